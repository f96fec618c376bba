package archive

import (
	"strconv"
	"strings"
)

// Successor returns the name of the segment behind the one called uri, as a server that counts in its
// names calls it: the last number in the file's name is one more. ok is false if uri has none.
func Successor(uri string) (next string, ok bool) { return neighbour(uri, 1) }

// Predecessor is Successor for the segment before.
func Predecessor(uri string) (before string, ok bool) { return neighbour(uri, -1) }

func neighbour(uri string, step int64) (string, bool) {
	if strings.ContainsAny(uri, "?#") {
		return "", false
	}
	dir := strings.LastIndexByte(uri, '/') + 1
	name := uri[dir:]
	if dot := strings.LastIndexByte(name, '.'); dot >= 0 {
		name = name[:dot]
	}
	digits := func(r rune) bool { return '0' <= r && r <= '9' }
	end := strings.LastIndexFunc(name, digits) + 1
	if end == 0 {
		return "", false
	}
	first := strings.LastIndexFunc(name[:end], func(r rune) bool { return !digits(r) }) + 1
	number := name[first:end]
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n+step < 0 {
		return "", false
	}
	text := strconv.FormatInt(n+step, 10)
	if number[0] == '0' && len(text) < len(number) { // it is padded
		text = strings.Repeat("0", len(number)-len(text)) + text
	}
	return uri[:dir] + name[:first] + text + uri[dir+end:], true
}
