package media

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// RootAddresses are those of a root: an address in a manifest that begins with one of them means a
// file below the root.
type RootAddresses struct {
	all      []address // that with the longest path first
	isPublic bool      // some are for players: then an address of another host is another one's
}

// NewRootAddresses returns those of the root dir, which players find at each of the public addresses.
// These are separated by white space.
func NewRootAddresses(dir, public string) (RootAddresses, error) {
	var r RootAddresses
	if onDisk, ok := addressOf("file://" + strings.ReplaceAll(dir, "%", "%25")); ok {
		r.all = append(r.all, onDisk)
	}
	for text := range strings.FieldsSeq(public) {
		a, ok := addressOf(text)
		isPlayers := strings.HasPrefix(a.host, "//") && a.host != "//" || a.host == "" && strings.HasPrefix(text, "/")
		if !ok || !isPlayers || a.tail != "" {
			return r, fmt.Errorf("%s is no address for players, such as https://cdn.example.com/live/", text)
		}
		r.all, r.isPublic = append(r.all, a), true
	}
	slices.SortStableFunc(r.all, func(a, b address) int { return cmp.Compare(len(b.elements), len(a.elements)) })
	return r, nil
}

// within returns how many elements of a are those of the root. A path without a host is one of the
// host from which a player has the manifest.
func (r *RootAddresses) within(a *address) (n int, ok bool) {
	for i := range r.all {
		root, dir := &r.all[i], a.dir()
		n := len(root.elements)
		if (a.host == root.host || a.host == "") && len(dir) >= n && slices.Equal(dir[:n], root.elements) {
			return n, true
		}
	}
	return 0, false
}
