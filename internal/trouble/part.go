package trouble

import (
	"fmt"
	"strings"
)

// Part returns a Reporter for a part of the program that may end before the program does. It is as
// With without attributes, and no other Reporter has its trouble.
func (r *Reporter) Part() *Reporter {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.parts++
	return &Reporter{log: r.log, attrs: r.attrs, scope: fmt.Sprintf("%s\x00\x00%d", r.scope, r.parts), book: r.book}
}

// ForgetAll forgets all conditions of r and of those that were made from it with With: what they
// concerned has ended. Nothing is logged.
func (r *Reporter) ForgetAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, c := range r.conditions.all() {
		if c.scope == r.scope || strings.HasPrefix(c.scope, r.scope+"\x00") {
			r.conditions.remove(id)
		}
	}
}
