package config

import (
	"strings"
	"testing"
)

func TestExpand_ReplacesVariables(t *testing.T) {
	vars := map[string]string{"A": "1", "EMPTY": "", "D": "$x${A}", "PORT": "99"}
	f := func(text string, keep bool, want string) {
		t.Helper()
		e, bad := expand(text, env(vars), keep)
		switch {
		case bad != nil && bad.problem != want:
			t.Errorf("%s: got %q, want %q", text, bad.problem, want)
		case bad == nil && e.text != want:
			t.Errorf("%s: got %q, want %q", text, e.text, want)
		}
	}
	f("plain", false, "plain")
	f("${A}", false, "1")
	f("x${A}y${A}", false, "x1y1")
	f("${NO:-b c}", false, "b c")
	f("${NO:-}", false, "")
	f("${EMPTY:-b}", false, "b")
	f("${EMPTY}", false, "")
	f("${D}", false, "$x${A}") // once, not again
	f("$$", false, "$")
	f("$$$${A}", false, "$${A}")
	f("$${A}", false, "${A}")
	f("$A $ 5$", false, "$A $ 5$")
	f("${PORT}", false, "99")
	f("${PORT} ${SOCKET} ${SLOT} ${DROVER} ${A}", true, "${PORT} ${SOCKET} ${SLOT} ${DROVER} 1")
	f("${NO}", false, "the environment variable NO is not set")
	f("${NO}", true, "the environment variable NO is not set")
	f("${A", false, `"${A" has no closing brace`)
	f("${}", false, `"${}" is not understood`)
	f("${1A}", false, `"${1A}" is not understood`)
	f("${A-b}", false, `"${A-b}" is not understood`)
	f("${A:?b}", false, `"${A:?b}" is not understood`)
	f("${A:-${B}}", false, `"${A:-${B}" is not understood`)
	f("${PORT:-1}", true, `"${PORT:-1}" has a default, but drover always sets PORT for a worker`)
	vars["BAD"] = "\xff"
	f("${BAD}", false, "the environment variable BAD is not UTF-8 text")
}

func TestExpand_IsUndoneByEscape(t *testing.T) {
	f := func(text string, keep bool) {
		t.Helper()
		if e, bad := expand(escape(text, keep), noEnv, keep); bad != nil || e.text != text {
			t.Errorf("%q became %q (%v) through %q", text, e.text, bad, escape(text, keep))
		}
	}
	for _, keep := range []bool{false, true} {
		for _, text := range []string{"", "a", "$", "$$", "$a", "${A}", "a$${PORT}b", "${PORT}", "${PORT}${", "${PORT:-1}", "$$${SLOT}", "5$"} {
			f(text, keep)
		}
	}
}

func TestParse_ReplacesVariablesAfterYAML(t *testing.T) {
	vars := map[string]string{
		"N": "4", "WAIT": "250ms", "ON": "false", "INJECT": "x\n  evil: { command: [sh] }\nz: [", "NULLISH": "null", "EMPTY": "",
		"ADDRESS": ":7070", "LIST": "[a, b]",
	}
	c := parseWith(t, `server:
  listeners:
    - address: ${ADDRESS}
      pool: app
  timeouts: { drain: "${WAIT}" }
pools:
  app:
    command: ["true", "${PORT}", "--n=${N}", "$$HOME"]
    workers: ${N}
    outlier:
      enabled: ${ON}
    env:
      A: ${INJECT}
      B: ${NULLISH}
      C: "${N}"
      D: ${EMPTY}
      E: ${LIST}
      F: ${NOT_SET:-fallback}
`, vars)
	p := c.Pools["app"]
	if len(c.Pools) != 1 || c.Server.Listeners[0].Address != ":7070" || c.Server.Timeouts.Drain.String() != "250ms" {
		t.Errorf("got %+v", c)
	}
	if p.Workers != 4 || p.Outlier.Enabled || strings.Join(p.Command, " ") != "true ${PORT} --n=4 $HOME" {
		t.Errorf("got %+v", p)
	}
	for name, want := range map[string]string{"A": vars["INJECT"], "B": "null", "C": "4", "D": "", "E": "[a, b]", "F": "fallback"} {
		if p.Env[name] != want {
			t.Errorf("%s is %q, want %q", name, p.Env[name], want)
		}
	}
}

func TestParse_TypesWhatWasReplaced(t *testing.T) {
	f := func(line string, vars map[string]string, want string) {
		t.Helper()
		_, err := Parse("f", []byte(minimal+line+"\n"), env(vars))
		if err == nil || err.Error() != "f:7: "+want {
			t.Errorf("%s: got %v, want %s", line, err, want)
		}
	}
	f("    workers: ${N}", map[string]string{"N": "x"}, `pools.app.workers: "x" is not a number of workers; write a whole number from 0 to 1024, or auto`)
	f("    workers: ${N}", nil, `pools.app.workers: the environment variable N is not set; set it, or write ${N:-default}, or $${N} for this very text`)
	f("    queue: ${N}", map[string]string{"N": "{length: 1}"}, `pools.app.queue: is the text "${N}" where a mapping is needed; write a mapping: key: value`)
	f("    retry: { attempts: \"${N}\" }", map[string]string{"N": "3"}, `pools.app.retry.attempts: is the text "3" where a whole number is needed; remove the quotes, if it is one`)
	f("    env: { X: \"${PORT}\" }", nil, `pools.app.env.X: the environment variable PORT is not set; set it, or write $${PORT} for this very text; drover fills ${PORT} in only in the command of a pool`)
	f("    healthCheck: { type: exec, command: [\"true\", \"${PORT}\"] }", nil, `pools.app.healthCheck.command[1]: the environment variable PORT is not set; set it, or write $${PORT} for this very text; drover fills ${PORT} in only in the command of a pool`)
}

func TestConfig_NamesTheVariablesOfTokens(t *testing.T) {
	c := parseWith(t, minimal+`    env: { A: "${OTHER}" }
admin:
  tokens:
    - { name: a, role: viewer, token: "${OPS_TOKEN}" }
    - { name: b, role: viewer, token: "${B_TOKEN:-b}" }
`, map[string]string{"OPS_TOKEN": "s3cret", "OTHER": "x"})
	if got := strings.Join(c.SecretEnv(), " "); got != "B_TOKEN OPS_TOKEN" {
		t.Errorf("got %q", got)
	}
	if got := Default().SecretEnv(); len(got) != 0 {
		t.Errorf("without a file: %q", got)
	}
}
