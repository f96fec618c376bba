package dash

import (
	"strings"
	"testing"
)

func TestURIsOfAnMPDAreRewrittenAndAllElseStays(t *testing.T) {
	const text = `<?xml version="1.0"?><!-- <BaseURL>https://h/c/</BaseURL> -->
<MPD xmlns="urn:x" xmlns:xlink="http://www.w3.org/1999/xlink" schema="https://h/schema"  >
  <BaseURL serviceLocation="https://h/a"> https://h/live/ </BaseURL><BaseURL><![CDATA[https://h/b?x&y]]></BaseURL>
  <Location>https://h/m.mpd?a=1&amp;b=2</Location><PatchLocation ttl='6'>https://h/p.mpp</PatchLocation>
  <Period xlink:href="https://h/p.xml" id = 'https://h/id'><Title>https://h/title</Title>
    <SegmentTemplate media="https://h/&quot;$Number%05d$.m4s" initialization='https://h/i.mp4' duration="2"/>
    <SegmentList><Initialization sourceURL="https://h/i.mp4"/><SegmentURL media="https://h/1.m4s" index="https://h/1.sidx"/></SegmentList>
    <BaseURL>https://other/</BaseURL><BaseURL/><BaseURL></BaseURL>
  </Period></MPD>`
	want := text
	for _, is := range []string{` https://h/live/ `, `https://h/m.mpd`, `https://h/p.mpp`, `"https://h/p.xml`, `https://h/&quot;`,
		`'https://h/i.mp4`, `"https://h/i.mp4`, `https://h/1.m4s`, `https://h/1.sidx`} {
		becomes := strings.TrimSpace(strings.Replace(is, "https://h/", "", 1))
		want = strings.Replace(want, is, becomes, 1)
	}
	want = strings.Replace(want, "<![CDATA[https://h/b?x&y]]>", "b?x&amp;y", 1)
	want = strings.Replace(want, "&quot;$", "&#34;$", 1)
	rewrite := func(uri string) string { return strings.TrimPrefix(uri, "https://h/") }
	got, err := RewriteURIs([]byte(text), rewrite)
	if err != nil || string(got) != want {
		t.Errorf("%v\n%s\nwant:\n%s", err, got, want)
	}
	plain := []byte(`<MPD><BaseURL>a/</BaseURL></MPD>`)
	if got, err := RewriteURIs(plain, rewrite); err != nil || &got[0] != &plain[0] {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := RewriteURIs([]byte(`<MPD><BaseURL>https://h/</BaseURL><a b></MPD>`), rewrite); err == nil {
		t.Error("what cannot be read is rewritten")
	}
}
