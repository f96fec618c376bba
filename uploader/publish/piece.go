package publish

import (
	"encoding/hex"
	"fmt"
	"path"
	"strconv"
	"strings"
)

// PieceMark is how many bytes tell the content of a piece.
const PieceMark = 6

// PieceName returns the path, or the URI, of the object that has the bytes of a file from offset on.
// mark tells what they are, in hex.
func PieceName(file string, offset int64, mark string) string {
	ext := path.Ext(file)
	return fmt.Sprintf("%s-%d-%s%s", strings.TrimSuffix(file, ext), offset, mark, ext)
}

// isPiece reports whether p has the form of PieceName.
func isPiece(p string) bool {
	rest, mark, found := cutLast(strings.TrimSuffix(p, path.Ext(p)))
	if _, err := hex.DecodeString(mark); !found || err != nil || len(mark) != 2*PieceMark {
		return false
	}
	_, offset, found := cutLast(rest)
	_, err := strconv.ParseUint(offset, 10, 63)
	return found && err == nil
}

// cutLast cuts s at its last dash.
func cutLast(s string) (before, after string, found bool) {
	i := strings.LastIndexByte(s, '-')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}
