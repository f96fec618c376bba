package events

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"ems-sidecar/emsapi"
)

const recordings = "../../testdata/events"

// recorded returns the bodies of the events that a real server sent, by the name of the file.
func recorded(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob(recordings + "/*.json")
	if err != nil || len(files) < 50 {
		t.Fatal(len(files), err)
	}
	bodies := make(map[string][]byte)
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var examples []struct{ Event json.RawMessage }
		if err := json.Unmarshal(raw, &examples); err != nil {
			t.Fatal(f, err)
		}
		for _, e := range examples[:1] {
			var body bytes.Buffer
			if err := json.Compact(&body, e.Event); err != nil {
				t.Fatal(f, err)
			}
			bodies[strings.TrimSuffix(filepath.Base(f), ".json")] = body.Bytes()
		}
	}
	return bodies
}

func TestRecordedEventsAreDecoded(t *testing.T) {
	for name, body := range recorded(t) {
		e, err := Decode("application/json", body)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		typ, subject, _ := strings.Cut(name, "-")
		if string(e.Type) != typ || e.ID == 0 && !strings.HasPrefix(typ, "lastPlaylist") || e.ProcessID == 0 || e.Timestamp == 0 {
			t.Errorf("%s: %+v", name, e)
		}
		if strings.Contains(typ, "Stream") && subject != "" && (e.StreamID == 0 || e.Name == "" || e.Stream.Name != e.Name || !strings.HasPrefix(subject, e.Stream.Type)) {
			t.Errorf("%s: stream %+v", name, e.Stream)
		}
		if strings.HasSuffix(typ, "ChunkClosed") && !filepath.IsAbs(e.File) {
			t.Errorf("%s: file %q", name, e.File)
		}
	}
}

func TestWhatPluginsNeedOfAnEvent(t *testing.T) {
	bodies := recorded(t)
	decode := func(name string) Event {
		e, err := Decode("application/json", bodies[name])
		if err != nil {
			t.Fatal(name, err)
		}
		return e
	}
	if e := decode("inStreamCreated-INR-pullSettings"); e.Stream.Pull == nil || e.Stream.ConnectionType != emsapi.Pulled || !e.Stream.Inbound() {
		t.Errorf("pulled: %+v", e.Stream)
	}
	if e := decode("outStreamCreated-OFMP4-recordSettings-segInitwriter"); e.Stream.Record == nil || e.Stream.Record.ConfigID != 0 {
		t.Errorf("false recording: %+v", e.Stream.Record)
	}
	if e := decode("outStreamCreated-OFMP4-recordSettings"); e.Stream.Record == nil || e.Stream.Record.ConfigID == 0 {
		t.Errorf("recording: %+v", e.Stream.Record)
	}
}

// The two feed events were not recorded; the documentation calls the id streamId.
func TestFeedEvents(t *testing.T) {
	for _, body := range []string{
		`{"id":7,"payload":{"id":12,"localStreamName":"cam","PID":3},"processId":3,"timestamp":1,"type":"audioFeedStopped"}`,
		`{"id":7,"payload":{"streamId":12,"localStreamName":"cam"},"processId":3,"timestamp":1,"type":"audioFeedStopped"}`,
	} {
		e, err := Decode("", []byte(body))
		if err != nil || e.StreamID != 12 || e.Name != "cam" || e.Type != "audioFeedStopped" || e.ProcessID != 3 {
			t.Errorf("%+v, %v", e, err)
		}
	}
}

func TestNamesKeepTheirBytes(t *testing.T) {
	want := "a\nb\x01\xff\"\\/ü"
	for kind, body := range map[string]string{
		"JSON": "{\"id\":1,\"type\":\"inStreamCreated\",\"payload\":{\"uniqueId\":3,\"name\":\"a\nb\x01\xff\\\"\\\\\\/ü\",\"type\":\"INR\"}}",
		"XML": `<?xml version="1.0" ?><TYPED_MAP typeName="event"><UINT32 name="id">1</UINT32><STR name="type">inStreamCreated</STR>` +
			"<MAP name=\"payload\"><UINT32 name=\"uniqueId\">3</UINT32><STR name=\"name\">a\nb\x01\xff&quot;\\/ü</STR><STR name=\"type\">INR</STR></MAP></TYPED_MAP>",
		"XML-RPC": `<?xml version="1.0"?><methodCall><methodName>inStreamCreated</methodName><params><param><value><struct>` +
			`<member><name>uniqueId</name><value><i4>3</i4></value></member>` +
			"<member><name>name</name><value><string>a\nb\x01\xff&quot;\\/ü</string></value></member>" +
			`<member><name>type</name><value>INR</value></member></struct></value></param></params></methodCall>`,
	} {
		e, err := Decode("", []byte(body))
		if err != nil || e.Type != "inStreamCreated" || e.Name != want || e.Stream.Name != want || e.StreamID != 3 || !e.Stream.Inbound() {
			t.Errorf("%s: %+v, %v", kind, e, err)
		}
	}
}

// What a publisher calls a stream never becomes another value of the event.
func FuzzNames(f *testing.F) {
	for _, name := range []string{
		"cam", "my cam", "a\r\nb\rc", "\x00\x01\x1f\x7f", "\xff\xfe", "\ufffe\uffff", `"`, `\`, `\"`, `&<>"'/`, "]]>", "é",
		"x\U000F0022,\U000F0022uniqueId\U000F0022:99,\U000F0022file\U000F0022:\U000F0022/etc/passwd", "\U000F0000\U000F00FF\U000F0100",
	} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		for kind, body := range map[string]string{
			"JSON": `{"id":1,"type":"inStreamCreated","payload":{"name":` + asJSON(name) + `,"uniqueId":3}}`,
			"XML": `<TYPED_MAP typeName="event" isArray="false"><UINT64 name="id">1</UINT64><STR name="type">inStreamCreated</STR>` +
				`<MAP isArray="false" name="payload"><STR name="name">` + asXML(name) + `</STR><UINT32 name="uniqueId">3</UINT32></MAP></TYPED_MAP>`,
			"XML-RPC": `<methodCall><methodName>inStreamCreated</methodName><params><param><value><struct>` +
				`<member><name>name</name><value><string>` + asXML(name) + `</string></value></member>` +
				`<member><name>uniqueId</name><value><i4>3</i4></value></member></struct></value></param></params></methodCall>`,
		} {
			e, err := Decode("", []byte(body))
			if err != nil || e.Name != name || e.Stream.Name != name || e.StreamID != 3 || e.File != "" || e.Type != "inStreamCreated" {
				t.Errorf("%s: %q: %+v, %v", kind, name, e, err)
			}
		}
	})
}

// asJSON writes s as the server does.
func asJSON(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `/`, `\/`, `"`, `\"`, "\b", `\b`, "\f", `\f`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(s) + `"`
}

// asXML writes s as the server does, with TinyXML, except references to characters, which it passes
// on as they are.
func asXML(s string) string {
	var out strings.Builder
	for i := range len(s) {
		switch b := s[i]; {
		case b == '&':
			out.WriteString("&amp;")
		case b == '<':
			out.WriteString("&lt;")
		case b == '>':
			out.WriteString("&gt;")
		case b == '"':
			out.WriteString("&quot;")
		case b == '\'':
			out.WriteString("&apos;")
		case b < ' ':
			fmt.Fprintf(&out, "&#x%02X;", b)
		default:
			out.WriteByte(b)
		}
	}
	return out.String()
}

func TestReferencesInXMLNames(t *testing.T) {
	const body = `<TYPED_MAP><STR name="type">inStreamCreated</STR><MAP name="payload"><STR name="name">%s</STR><UINT32 name="uniqueId">3</UINT32></MAP></TYPED_MAP>`
	for written, want := range map[string]string{
		"a&#x22;,&#x22;file&#x22;:&#x22;b":             `a","file":"b`,
		"a&#xF0022;,&#xF0022;file&#xF0022;:&#xF0022;b": `a","file":"b`,
		"&#x0;&#x01;&#x1F;&#xD;&#x20;&#xe9;":           "\x00\x01\x1f\r é",
	} {
		if e, err := Decode("", fmt.Appendf(nil, body, written)); err != nil || e.Name != want || e.File != "" || e.StreamID != 3 {
			t.Errorf("%s: %+v, %v", written, e, err)
		}
	}
}

func TestXMLIsBounded(t *testing.T) {
	for _, more := range []string{strings.Repeat("<INT8/>", maxElements), strings.Repeat("<MAP>", maxDepth) + strings.Repeat("</MAP>", maxDepth)} {
		if _, err := Decode("", []byte(`<TYPED_MAP><STR name="type">x</STR>`+more+`</TYPED_MAP>`)); !errors.Is(err, errXML) {
			t.Error(err)
		}
	}
}

// The server writes a list as a map that says of itself that it is one.
func TestListsInXML(t *testing.T) {
	e, err := Decode("application/xml", []byte(`<TYPED_MAP typeName="event" isArray="false"><STR name="type">inStreamClosed</STR><MAP isArray="false" name="payload">
		<UINT32 name="uniqueId">3</UINT32><MAP isArray="true" name="outStreamsUniqueIds"><UINT32 name="0x00000000">7</UINT32><UINT32 name="0x00000001">9</UINT32></MAP>
		<STR name="type">INR</STR></MAP></TYPED_MAP>`))
	if err != nil || !slices.Equal(e.Stream.Outputs, []uint32{7, 9}) || e.Stream.Type != "INR" {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestWhatAnEventLooksLikeCountsMoreThanItsContentType(t *testing.T) {
	for _, c := range []struct{ contentType, body string }{
		{"text/xml", `{"id":1,"type":"x"}`},
		{"application/json", `<TYPED_MAP><UINT64 name="id">1</UINT64><STR name="type">x</STR></TYPED_MAP>`},
		{"application/json", "\xef\xbb\xbf" + `{"id":1,"type":"x"}`},
		{"", "\r\n" + `<?xml version="1.0"?>` + "\r\n" + `<TYPED_MAP><UINT64 name="id">1</UINT64><STR name="type">x</STR></TYPED_MAP>` + "\r\n"},
	} {
		if e, err := Decode(c.contentType, []byte(c.body)); err != nil || e.ID != 1 || e.Type != "x" {
			t.Errorf("%q as %q: %+v, %v", c.body, c.contentType, e, err)
		}
	}
}

// All three serializers say the same.
func TestXMLAndXMLRPCAreDecodedAsJSON(t *testing.T) {
	json, err := Decode("application/json", []byte(`{"id":42,"processId":7,"timestamp":1795333313,"type":"outStreamCreated","payload":{"uniqueId":9,"name":"cam",
		"type":"OFTS","upTime":12.5,"userAgent":null,"outStreamsUniqueIds":null,"recordSettings":{"configId":4,"keepAlive":true,"_sidecar":"x","pathToFile":"\/rec\/cam"}}}`))
	if err != nil || json.Stream.Record == nil || !json.Stream.Record.KeepAlive {
		t.Fatal(json, err)
	}
	xml, err := Decode("application/xml", []byte(`<TYPED_MAP typeName="event"><UINT32 name="id">42</UINT32><INT64 name="processId">7</INT64>
		<DOUBLE name="timestamp">1795333313</DOUBLE><STR name="type">outStreamCreated</STR><MAP name="payload"><UINT32 name="uniqueId">9</UINT32>
		<STR name="name">cam</STR><STR name="type">OFTS</STR><DOUBLE name="upTime">12.5</DOUBLE><NULL name="userAgent"/><NULL name="outStreamsUniqueIds"></NULL>
		<MAP name="recordSettings"><UINT32 name="configId">4</UINT32><BOOL name="keepAlive">true</BOOL><STR name="_sidecar">x</STR><STR name="pathToFile">/rec/cam</STR></MAP></MAP></TYPED_MAP>`))
	if err != nil || !reflect.DeepEqual(xml, json) {
		t.Errorf("XML:\n%+v\n%+v\n%v", xml, json, err)
	}
	rpc, err := Decode("text/xml", []byte(`<methodCall><methodName>outStreamCreated</methodName><params><param><value><struct>
		<member><name>id</name><value><int>42</int></value></member><member><name>processId</name><value><i8>7</i8></value></member>
		<member><name>timestamp</name><value><double>1795333313.0000</double></value></member>
		<member><name>payload</name><value><struct><member><name>uniqueId</name><value><i4>9</i4></value></member>
		<member><name>name</name><value><string>cam</string></value></member><member><name>type</name><value>OFTS</value></member>
		<member><name>upTime</name><value><double>12.5</double></value></member><member><name>userAgent</name><value><nil/></value></member>
		<member><name>outStreamsUniqueIds</name><value><array><data></data></array></value></member>
		<member><name>recordSettings</name><value><struct><member><name>configId</name><value><int>4</int></value></member>
		<member><name>keepAlive</name><value><boolean>1</boolean></value></member><member><name>_sidecar</name><value>x</value></member>
		<member><name>pathToFile</name><value><string>/rec/cam</string></value></member></struct></value></member></struct></value></member></struct></value></param></params></methodCall>`))
	rpc.Stream.Outputs = nil
	if err != nil || !reflect.DeepEqual(rpc, json) {
		t.Errorf("XML-RPC:\n%+v\n%+v\n%v", rpc, json, err)
	}
}

func TestErrorsDoNotTellTheContent(t *testing.T) {
	for _, body := range []string{
		`{"type":"applicationStart","payload":{"sink":"http://u:hunter2@h/"`, `hunter2`, `{"id":"hunter2"}`, `<hunter2`, `<a>hunter2</b>`,
		`{"type":"x","payload":{"uniqueId":"hunter2"}}`, ``, `null`, `[]`, `<a/><b/>`, `<methodCall/>`, strings.Repeat("<a>", 100),
	} {
		if _, err := Decode("", []byte(body)); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%.30q: %v", body, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, body := range recorded(f) {
		f.Add("application/json", body)
	}
	f.Add("text/xml", []byte(`<methodCall><methodName>x</methodName><params><param><value><struct><member><name>a</name><value><i4>3</i4></value></member></struct></value></param></params></methodCall>`))
	f.Add("application/xml", []byte(`<TYPED_MAP><UINT32 name="id">1</UINT32><STR name="type">x</STR><MAP name="payload"/></TYPED_MAP>`))
	for _, raw := range requests(f, "xmlrpc") {
		if _, body, ok := bytes.Cut(raw, []byte("\r\n\r\n")); ok {
			f.Add("application/xml", body)
		}
	}
	f.Fuzz(func(_ *testing.T, contentType string, body []byte) {
		Decode(contentType, body) // does not panic
	})
}

// arrivals returns the events of a server in the order in which they arrived.
func arrivals(t testing.TB) (all []Event) {
	t.Helper()
	file, err := os.Open(recordings + "/arrivals.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var l struct{ Body string }
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			t.Fatal(err)
		}
		e, err := Decode("application/json", []byte(l.Body))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

func BenchmarkDecode(b *testing.B) {
	body := recorded(b)["inStreamCreated-INR"]
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, err := Decode("application/json", body); err != nil {
			b.Fatal(err)
		}
	}
}
