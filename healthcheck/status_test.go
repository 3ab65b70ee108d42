package healthcheck

import "testing"

func TestStatusSet_Grammar(t *testing.T) {
	f := func(s string, in, out []int) {
		t.Helper()
		set, err := ParseStatusSet(s)
		if err != nil {
			t.Errorf("%q: %v", s, err)
			return
		}
		for _, n := range in {
			if !set.Has(n) {
				t.Errorf("%q lacks %d", s, n)
			}
		}
		for _, n := range out {
			if set.Has(n) {
				t.Errorf("%q has %d", s, n)
			}
		}
	}
	f("200", []int{200}, []int{199, 201})
	f("200-399", []int{200, 299, 399}, []int{199, 400, 500})
	f("200-399,404", []int{200, 404}, []int{403, 405})
	f(" 204 , 301 - 302 ", []int{204, 301, 302}, []int{200, 303})
}

func TestStatusSet_RefusesNonsense(t *testing.T) {
	f := func(s string) {
		t.Helper()
		if set, err := ParseStatusSet(s); err == nil {
			t.Errorf("%q is taken as %s", s, set)
		}
	}
	f("")
	f("ok")
	f("200,")
	f("399-200")
	f("99")
	f("600")
	f("200-")
	f("-200")
	f("+200")
	f("200-300-400")
}

func FuzzParseStatusSet(f *testing.F) {
	f.Add("200-399,404")
	f.Add("-")
	f.Fuzz(func(t *testing.T, s string) {
		set, err := ParseStatusSet(s)
		if err != nil {
			return
		}
		again, err := ParseStatusSet(set.String())
		if err != nil || again.String() != set.String() {
			t.Errorf("%q became %q, which became %q (%v)", s, set, again, err)
		}
	})
}
