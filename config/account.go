package config

import (
	"fmt"
	"os/user"
	"strconv"
)

// Account is the user that workers run as.
type Account struct {
	Name, Home string // empty where the system does not know the number
	UID, GID   int
	Groups     []int // supplementary
}

// Account looks up whom the workers run as; nil where that is drover's own user.
func (s Security) Account() (*Account, error) {
	if s.User == "" && s.Group == "" {
		return nil, nil
	}
	a := &Account{UID: -1, GID: -1}
	if s.User != "" {
		if err := a.lookUser(s.User); err != nil {
			return nil, err
		}
	}
	if s.Group != "" {
		gid, err := lookGroup(s.Group)
		if err != nil {
			return nil, err
		}
		a.GID = gid
	}
	if a.GID < 0 {
		return nil, fmt.Errorf("the system knows no user %s, so that the group is not known either; set security.group", s.User)
	}
	if len(a.Groups) == 0 {
		a.Groups = []int{a.GID}
	}
	return a, nil
}

// Environ is what programs look for their user's files by; nothing where that is
// not known.
func (a *Account) Environ() map[string]string {
	if a == nil || a.Name == "" {
		return nil
	}
	return map[string]string{"HOME": a.Home, "USER": a.Name, "LOGNAME": a.Name}
}

func (a *Account) lookUser(name string) error {
	u, err := user.Lookup(name)
	if err != nil {
		uid, notNumber := strconv.ParseUint(name, 10, 31)
		if notNumber != nil {
			return fmt.Errorf("there is no user %s", quote(name))
		}
		if u, err = user.LookupId(name); err != nil {
			a.UID = int(uid) // a number will do, as in containers
			return nil
		}
	}
	a.Name, a.Home = u.Username, u.HomeDir
	if a.UID, err = strconv.Atoi(u.Uid); err != nil {
		return fmt.Errorf("user %s has the number %s: %w", name, u.Uid, err)
	}
	if a.GID, err = strconv.Atoi(u.Gid); err != nil {
		return fmt.Errorf("user %s has the group %s: %w", name, u.Gid, err)
	}
	groups, err := u.GroupIds()
	if err != nil {
		return fmt.Errorf("look up the groups of user %s: %w", name, err)
	}
	for _, text := range groups {
		if gid, err := strconv.Atoi(text); err == nil {
			a.Groups = append(a.Groups, gid)
		}
	}
	return nil
}

func lookGroup(name string) (int, error) {
	text := name
	if g, err := user.LookupGroup(name); err == nil {
		text = g.Gid
	}
	gid, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("there is no group %s", quote(name))
	}
	return int(gid), nil
}
