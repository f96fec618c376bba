package media

import "testing"

func TestJoinURI(t *testing.T) {
	for _, c := range []struct{ base, ref, want string }{
		{"", "a/b", "a/b"},
		{"", "", ""},
		{"d/", "a", "d/a"},
		{"d/e", "a", "d/a"},
		{"e", "a", "a"},
		{"d/e", "", "d/e"},
		{"d/", "../a", "d/../a"},
		{"/d/e", "a", "/d/a"},
		{"d/", "/a", "/a"},
		{"d/?x=a/b", "c", "d/c"},
		{"d/#a/b", "c", "d/c"},
		{"http://h", "a", "http://h/a"},
		{"http://h?x", "a", "http://h/a"},
		{"http://h/d/e", "a", "http://h/d/a"},
		{"http://h/d/e", "/a", "http://h/a"},
		{"//h/d/", "/a", "//h/a"},
		{"d/", "http://h/a", "http://h/a"},
		{"d/", "//h/a", "//h/a"},
		{"d/", "a b%.ts", "d/a b%.ts"},
		{"urn:x", "a", "urn:/a"},
	} {
		if got := joinURI(c.base, c.ref); got != c.want {
			t.Errorf("%q and %q make %q, want %q", c.base, c.ref, got, c.want)
		}
		for _, above := range []string{"", "x/y", "x/", "http://h/x"} {
			if got, want := joinURI(above, joinURI(c.base, c.ref)), joinURI(joinURI(above, c.base), c.ref); got != want {
				t.Errorf("%q, %q and %q make %q from the right, %q from the left", above, c.base, c.ref, got, want)
			}
		}
	}
}
