package media

import (
	"encoding/xml"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"PT0S":                    0,
		"PT10S":                   10 * time.Second,
		" PT1H2M3.25S ":           time.Hour + 2*time.Minute + 3250*time.Millisecond,
		"P1DT1M":                  24*time.Hour + time.Minute,
		"P1Y2M":                   (365 + 60) * 24 * time.Hour,
		"PT33.366666666S":         33366666666 * time.Nanosecond,
		"PT600.S":                 10 * time.Minute,
		"P":                       0,
		"PT" + "1.1" + "000000S":  1100 * time.Millisecond,
		"PT0.123456789123456789S": 123456789 * time.Nanosecond,
	} {
		var got span
		if err := got.UnmarshalXMLAttr(xml.Attr{Value: text}); err != nil || got.d != want || !got.set {
			t.Errorf("%q is %v (%v), want %v", text, got.d, err, want)
		}
	}
	for _, text := range []string{"", "10", "-PT1S", "PT-1S", "PT1", "T1S", "1S", "PT1S1M", "PT1ms", "P49Y", "P40Y120M", "PT99999999999999999999S",
		"PT1000000000000H"} {
		var got span
		if err := got.UnmarshalXMLAttr(xml.Attr{Value: text}); err == nil {
			t.Errorf("%q passes for %v", text, got.d)
		}
	}
}

// What is not the format's own is the same for all XML.
func TestDocuments(t *testing.T) {
	parse := func(text string) error {
		var doc struct {
			A []string `xml:"a"`
		}
		return decodeXML([]byte(text), "root", &doc)
	}
	for name, text := range map[string]string{
		"empty element":        "<root/>",
		"byte order mark":      "\ufeff<?xml version=\"1.0\"?><root></root>\n",
		"UTF-8 and latin":      "<?xml version=\"1.0\" encoding=\"UTF-8\"?><root><a>ü</a></root>",
		"UTF-8 without a dash": "<?xml version=\"1.0\" encoding=\"UTF8\"?><root/>",
		"ASCII":                "<?xml version=\"1.0\" encoding=\"us-ascii\"?><root/>",
		"another encoding":     "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><root><a>\xfc</a></root>",
		"a prefix":             "<x:root xmlns:x=\"urn:x\"><x:a b:c=\"d\"/></x:root>",
		"unknown elements":     "<root><b><root><a/></root></b><?c?><!-- d --></root>",
		"comments around":      "<!-- a --><!DOCTYPE root><root/> <!-- ü --> \r\n",
		"deeply nested":        "<root>" + strings.Repeat("<a>", 70_000) + strings.Repeat("</a>", 70_000) + "</root>",
		"a huge attribute":     "<root a=\"" + strings.Repeat("a", 1<<20) + "\"/>",
		"a million attributes": "<root" + strings.Repeat(" a=\"\"", 1<<16) + "/>",
	} {
		if err := parse(text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, c := range map[string]malformed{
		"empty":                       {"", true},
		"blank":                       {" \n", true},
		"a byte order mark":           {"\ufeff", true},
		"half a byte order mark":      {"\xef\xbb", true},
		"cut in the declaration":      {"<?xml vers", true},
		"cut in a comment":            {"<!-- ", true},
		"cut before the root":         {"<?xml version=\"1.0\"?>\n", true},
		"cut in a name":               {"<roo", true},
		"cut in an attribute":         {"<root a=\"", true},
		"cut in an entity":            {"<root>&am", true},
		"cut in a rune":               {"<root>\xc3", true},
		"cut in a longer rune":        {"<root>\xf0\x9f\x98", true},
		"cut in CDATA":                {"<root><![CDATA[a]]", true},
		"cut in the end tag":          {"<root></root", true},
		"cut deep":                    {"<root>" + strings.Repeat("<b>", 100_000), true},
		"another element":             {"<html><root/></html>", false},
		"no XML":                      {"#EXTM3U\n", false},
		"text behind it":              {"<root/>oot>", false},
		"an element behind it":        {"<root/><root/>", false},
		"the wrong end tag":           {"<root></toor>", false},
		"invalid UTF-8":               {"<root>\xff</root>", false},
		"a control character":         {"<root a=\"\x01\"/>", false},
		"an entity that is not known": {"<root>&lol;</root>", false},
		"an encoding with two bytes":  {"<?xml version=\"1.0\" encoding=\"utf-16\"?><root/>", false},
	} {
		err := parse(c.text)
		if err == nil {
			t.Errorf("%s passes", name)
		} else if errors.Is(err, ErrIncomplete) != c.incomplete {
			t.Errorf("%s: %v: incomplete is %v, want %v", name, err, !c.incomplete, c.incomplete)
		}
	}
	if err := parse("<html/>"); !strings.Contains(err.Error(), "<html>") || !strings.Contains(err.Error(), "<root>") {
		t.Errorf("%v does not say what was found and what was expected", err)
	}
}
