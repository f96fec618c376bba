package emswriter

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Where EMS creates an f4m, attributes are in alphabetical order; where it adds a stream to one,
// they are in another order. What it looks for when it takes a stream out has the second order, so
// that it does not always find it: a stream that comes back is twice in manifest.f4m.

const (
	f4mHead = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<manifest xmlns=\"http://ns.adobe.com/f4m/%s\">\n"
	f4mTail = "</manifest>\n"

	isLive     = "<streamType>live</streamType>"
	isBoth     = "<streamType>liveOrRecorded</streamType>"
	isRecorded = "<streamType>recorded</streamType>"
)

func (h *HDS) setManifest() string    { return filepath.Join(filepath.Dir(h.Dir), "manifest.f4m") }
func (h *HDS) setManifestV1() string  { return filepath.Join(filepath.Dir(h.Dir), "manifest_v1.f4m") }
func (h *HDS) streamManifest() string { return filepath.Join(h.Dir, h.stream()+".f4m") }
func (h *HDS) stream() string         { return filepath.Base(h.Dir) }
func (h *HDS) href() string           { return h.stream() + "/" + h.stream() + ".f4m" }

func (h *HDS) writeManifests() error {
	_, err := os.Stat(h.setManifest())
	switch {
	case err == nil:
		err = h.addToSet()
	case os.IsNotExist(err):
		err = h.createSet()
	}
	if err != nil {
		return err
	}
	text := h.opening()
	if h.Appending {
		text += "<dvrInfo beginOffset=\"0\" endOffset=\"0\"></dvrInfo>\n"
	}
	text += "<bootstrapInfo id=\"bootstrapId\" profile=\"named\" url=\"bootstrap\"></bootstrapInfo>\n" +
		fmt.Sprintf("<media bitrate=\"%d\" bootstrapInfoId=\"bootstrapId\" streamId=\"%s\" url=\"%s\">%s</media>\n",
			h.bitrate(), h.stream(), h.base(), h.metadata()) + f4mTail
	return h.truncateAndWrite(h.streamManifest(), text)
}

// createSet writes the group's manifests for its first stream.
func (h *HDS) createSet() error {
	text := fmt.Sprintf(f4mHead, "2.0") + fmt.Sprintf("<media bitrate=\"%d\" href=\"%s\"></media>\n", h.bitrate(), h.href()) + f4mTail
	if err := h.truncateAndWrite(h.setManifest(), text); err != nil {
		return err
	}
	s := h.stream()
	text = h.opening()
	if h.Appending {
		text += fmt.Sprintf("<dvrInfo beginOffset=\"0\" endOffset=\"0\" id=\"%s\"></dvrInfo>\n", s)
	}
	text += fmt.Sprintf("<bootstrapInfo id=\"%s\" profile=\"named\" url=\"%[1]s/bootstrap\"></bootstrapInfo>\n", s) +
		fmt.Sprintf("<media bitrate=\"%d\" bootstrapInfoId=\"%s\" dvrInfoId=\"%[2]s\" streamId=\"%[2]s\" url=\"%[2]s/%s\">%s</media>\n",
			h.bitrate(), s, h.base(), h.metadata()) + f4mTail
	return h.truncateAndWrite(h.setManifestV1(), text)
}

// addToSet adds the stream to the group's manifests, which are there.
func (h *HDS) addToSet() error {
	err := h.edit(h.setManifest(), func(text string) string {
		text = cut(text, fmt.Sprintf("<media href=\"%s\" ", h.href()))
		return add(text, fmt.Sprintf("<media href=\"%s\" bitrate=\"%d\"></media>\n", h.href(), h.bitrate()))
	})
	if err != nil {
		return err
	}
	return h.edit(h.setManifestV1(), func(text string) string {
		s, entry := h.stream(), ""
		if h.Appending {
			entry = h.dvrInfo()
		}
		entry += fmt.Sprintf("<bootstrapInfo id=\"%s\" url=\"%[1]s/bootstrap\" profile=\"named\"></bootstrapInfo>\n", s) +
			fmt.Sprintf("<media url=\"%s/%s\" bitrate=\"%d\" streamId=\"%[1]s\" bootstrapInfoId=\"%[1]s\" dvrInfoId=\"%[1]s\">%[4]s</media>\n",
				s, h.base(), h.bitrate(), h.metadata())
		text = add(h.cutV1(text), entry)
		return strings.ReplaceAll(text, isRecorded, h.streamType())
	})
}

// forget takes the stream out of the group's manifests.
func (h *HDS) forget() error {
	err := h.edit(h.setManifest(), func(text string) string {
		return cut(text, fmt.Sprintf("<media href=\"%s\" ", h.href()))
	})
	if err != nil {
		return err
	}
	return h.edit(h.setManifestV1(), h.cutV1)
}

// endManifests says that the stream is recorded now.
func (h *HDS) endManifests() error {
	recorded := func(text string) string {
		text = strings.ReplaceAll(text, isBoth, isRecorded)
		return strings.ReplaceAll(text, isLive, isRecorded)
	}
	if err := h.edit(h.streamManifest(), recorded); err != nil {
		return err
	}
	return h.edit(h.setManifestV1(), func(text string) string {
		return strings.ReplaceAll(recorded(text), h.dvrInfo(), "")
	})
}

func (h *HDS) edit(name string, change func(string) string) error {
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	return h.truncateAndWrite(name, change(string(b)))
}

func (h *HDS) cutV1(text string) string {
	return cut(text, fmt.Sprintf("<bootstrapInfo id=\"%s\" ", h.stream()))
}

// cut takes out what begins with start, up to the end of the media element and its line.
func cut(text, start string) string {
	const end = "</media>\n"
	before, rest, found := strings.Cut(text, start)
	if !found {
		return text
	}
	_, after, found := strings.Cut(rest, end)
	if !found {
		return text
	}
	return before + after
}

func add(text, entry string) string {
	return strings.TrimSuffix(text, f4mTail) + entry + f4mTail
}

func (h *HDS) opening() string {
	return fmt.Sprintf(f4mHead, "1.0") + fmt.Sprintf("<id>%s</id>\n", h.base()) + h.streamType() + "\n"
}

func (h *HDS) streamType() string {
	if h.Appending {
		return isBoth
	}
	return isLive
}

func (h *HDS) dvrInfo() string {
	return fmt.Sprintf("<dvrInfo id=\"%s\" beginOffset=\"0\" endOffset=\"0\"></dvrInfo>\n", h.stream())
}

// metadata returns the stream's onMetaData, AMF0 in base64: the recorded one, with this run's time.
func (h *HDS) metadata() string {
	const recorded = "2026-11-22T08:09:35"
	amf, err := base64.StdEncoding.DecodeString(recordedMetadata)
	if err != nil {
		panic(err)
	}
	amf = bytes.Replace(amf, []byte(recorded), []byte(h.created.UTC().Format("2006-01-02T15:04:05")), 1)
	return "<metadata>" + base64.StdEncoding.EncodeToString(amf) + "</metadata>"
}

const recordedMetadata = "" +
	"AgAKb25NZXRhRGF0YQgAAAAQAAhkdXJhdGlvbgUABXdpZHRoAEB0AAAAAAAAAAZoZWlnaHQAQGaAAAAAAAAADHZpZGVvY29kZWNp" +
	"ZAIABGF2YzEADGF1ZGlvY29kZWNpZAIABG1wNGEADGNhblNlZWtUb0VuZAEBAAxjcmVhdGlvbmRhdGUCABMyMDI2LTExLTIyVDA4" +
	"OjA5OjM1AAZTZXJ2ZXICACpFdm9TdHJlYW0gTWVkaWEgU2VydmVyICh3d3cuZXZvc3RyZWFtLmNvbSkABmFhY2FvdABAAAAAAAAA" +
	"AAANYXVkaW9jaGFubmVscwA/8AAAAAAAAAAPYXVkaW9zYW1wbGVyYXRlAEDliIAAAAAAAAhhdmNsZXZlbABAKAAAAAAAAAAKYXZj" +
	"cHJvZmlsZQBAUIAAAAAAAAAJYmFuZHdpZHRoAEBoIAAAAAAAAAZzdGVyZW8BAAAOdmlkZW9mcmFtZXJhdGUAQDkAAAAAAAAAAAk="
