package proxy

import (
	"path"
	"strings"
	"testing"
)

func normal(p string) string {
	if isPlainPath([]byte(p)) {
		return p
	}
	return string(appendNormalPath(nil, []byte(p)))
}

func TestPath_NormalFormResolvesWhatUpstreamsResolve(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := normal(in); got != want {
			t.Errorf("normal form of %s is %s, want %s", in, got, want)
		}
	}
	f("/", "/")
	f("/a/b", "/a/b")
	f("/a/", "/a/")
	f("//", "/")
	f("//a///b", "/a/b")
	f("/.", "/")
	f("/..", "/")
	f("/../../a", "/a")
	f("/a/.", "/a/")
	f("/a/..", "/")
	f("/a/./b/../c", "/a/c")
	f("/a/b/..", "/a/")
	f("/v1/%2e%2e/admin", "/admin")
	f("/v1%2fx", "/v1/x")
	f("/%76%31/x", "/v1/x")
	f("/a%25b", "/a%b") // decoded once, not twice
	f("/.well-known/x", "/.well-known/x")
	f("/...", "/...")
	f("/a/..b/c", "/a/..b/c")
}

func FuzzPath_NormalFormIsStableAndInside(f *testing.F) {
	for _, s := range []string{"/", "/a/../b", "//x/./", "/%2e%2e/", "/a/%2f%2F..//", "/..;/x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !strings.HasPrefix(s, "/") || !validEscapes([]byte(s)) {
			return
		}
		got := normal(s)
		if !strings.HasPrefix(got, "/") || strings.Contains(got, "//") || strings.Contains(got+"/", "/../") || strings.Contains(got+"/", "/./") {
			t.Fatalf("%q became %q", s, got)
		}
		decoded := appendDecoded(s)
		want := path.Clean(decoded)
		if want != "/" && (strings.HasSuffix(decoded, "/") || strings.HasSuffix(decoded, "/.") || strings.HasSuffix(decoded, "/..")) {
			want += "/"
		}
		if got != want {
			t.Fatalf("%q became %q, path.Clean says %q", s, got, want)
		}
	})
}

func appendDecoded(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '%' {
			c = unhex(s[i+1])<<4 | unhex(s[i+2])
			i += 2
		}
		b.WriteByte(c)
	}
	return b.String()
}

func TestPath_PrefixEndsOnSegmentBorders(t *testing.T) {
	f := func(p, prefix string, want bool) {
		t.Helper()
		if got := hasPathPrefix([]byte(p), prefix); got != want {
			t.Errorf("%s below %s: %v", p, prefix, got)
		}
	}
	f("/v1", "/v1/", true)
	f("/v1/x", "/v1/", true)
	f("/v1", "/v1", true)
	f("/v1/", "/v1", true)
	f("/v10", "/v1", false)
	f("/v", "/v1", false)
	f("/anything", "/", true)
	f("/V1", "/v1", false)
}

func TestPath_StripKeepsTheRestByteForByte(t *testing.T) {
	f := func(target, prefix, want string, ok bool) {
		t.Helper()
		got, gotOK := stripPathPrefix([]byte(target), prefix)
		if string(got) != want || gotOK != ok {
			t.Errorf("%s without %s is %q %v, want %q %v", target, prefix, got, gotOK, want, ok)
		}
	}
	f("/v1/a%2Fb?x=%zz", "/v1", "/a%2Fb?x=%zz", true)
	f("/v1/", "/v1/", "/", true)
	f("/v1", "/v1/", "", true)
	f("/v1?q", "/v1", "?q", true)
	f("/%76%31/x", "/v1", "/x", true)
	f("/v10/x", "/v1", "", false)
	f("/a/../v1/x", "/v1", "", false)
	f("/x", "", "/x", true)
}
