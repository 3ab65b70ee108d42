package config

import "strings"

func (v *validator) security(key string, p *Pool) {
	m := p.Security.Modules
	v.modules(key+".modules.allow", m.Allow)
	v.modules(key+".modules.deny", m.Deny)
	if m.Restricted() && len(p.Command) == 0 {
		v.fault(key+".modules", "the pool starts no program that it could restrict", "remove it, or add a command")
	}
}

func (v *validator) modules(key string, patterns []string) {
	for i, pattern := range patterns {
		name := strings.TrimSuffix(pattern, "*")
		if pattern == "" || strings.ContainsAny(name, "* \t\n\r\x00\\") {
			v.fault(index(key, i), quote(pattern)+" is no pattern of modules", "write a name as it is loaded, such as child_process, lodash or concurrent.futures, or the beginning of names with * at its end")
		}
	}
}
