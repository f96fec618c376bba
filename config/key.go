package config

import (
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"time"
)

// key is a row of the table of keys: how the decoder sets it, and what the example and the manuals
// say of it.
type key struct {
	name     string
	about    string        // one paragraph; empty only where the section explains its keys
	allowed  func() string // which values are right
	list     bool          // may be set several times, as name[]
	secret   bool          // its value is never shown
	seconds  float64       // a plain number from this on may mean milliseconds; 0: never
	required string        // what an enabled section lacks without this key; empty: nothing
	blank    bool          // a required key may be empty
	unset    string        // what an empty value means
	older    bool          // EvoStream's web services had it
	alias    bool          // EvoStream's name for what has another one: not explained by itself
	example  string        // shown by the example and the manuals in place of the default
	preset   bool          // the example sets it, and not only in a comment

	set   func(value string) (want string) // want: what would be right; empty: the value is
	value func() any                       // what is set, or the default
	copy  func(of key)                     // sets what the same key of another config has
	same  func(as key) bool                // reports whether the same key of another config has that
	raw   func() any                       // what is set, for those two
	words [2]string                        // of a boolean, for true and false; empty: on and off
}

// parser turns a value into a setting, or returns what would be right.
type parser[V any] func(value string) (setting V, want string)

// one is a key with one value.
func one[V any](name string, to *V, parse parser[V], about string) key {
	k := key{name: name, about: about, allowed: func() string { return allowed(parse) }, value: func() any { return *to },
		set: func(value string) string {
			v, want := parse(value)
			if want == "" {
				*to = v
			}
			return want
		}}
	return stored(k, to)
}

// stored has a key compared with, and copied from, that of another config.
func stored[S any](k key, to *S) key {
	k.raw = func() any { return *to }
	k.same = func(as key) bool { return reflect.DeepEqual(*to, as.raw()) }
	k.copy = func(of key) { *to = of.raw().(S) }
	return k
}

// listed is between the items of a list as it is shown. No URI has a blank in it.
const listed = ", "

// many is a key with a list of values: name = for one, name[] = for each of several.
func many[V any](name string, to *[]V, parse parser[V], about string) key {
	k := key{name: name, about: about, allowed: func() string { return allowed(parse) }, list: true,
		value: func() any {
			texts := make([]string, len(*to))
			for i, v := range *to {
				texts[i] = fmt.Sprint(v)
			}
			return strings.Join(texts, listed)
		},
		set: func(value string) string {
			v, want := parse(value)
			if want == "" {
				*to = append(*to, v)
			}
			return want
		}}
	return stored(k, to)
}

// usuallyMilliseconds warns of plain numbers from so many seconds on, which may mean milliseconds.
func (k key) usuallyMilliseconds(seconds float64) key { k.seconds = seconds; return k }

func (k key) hidden() key { k.secret = true; return k }

// needed makes a key one that an enabled section must fill.
func (k key) needed(what string) key { k.required = what; return k }

// stated makes a key one that an enabled section must have, even if it is empty.
func (k key) stated(what string) key { k.required, k.blank = what, true; return k }

// empty says what an empty value means.
func (k key) empty(means string) key { k.unset = means; return k }

// such gives an example, where the default says little.
func (k key) such(example string) key { k.example = example; return k }

// shownSet has the example set the key.
func (k key) shownSet(example string) key { k.example, k.preset = example, true; return k }

// known marks a key that EvoStream's web services had.
func (k key) known() key { k.older = true; return k }

// yes and no name the values of a boolean.
func (k key) yesNo(yes, no string) key { k.words = [2]string{yes, no}; return k }

// paragraph joins the lines of a text of the table.
func paragraph(text string) string { return strings.Join(strings.Fields(text), " ") }

// allowed says which values are right, in the words with which the parser refuses others.
func allowed[V any](parse parser[V]) string {
	_, want := parse("\x00 ") // no word, number, address or path
	if text, ok := strings.CutPrefix(want, "must be "); ok {
		return text
	}
	return "text"
}

// text returns what is set as the config file would have it. It is not shown: see shown.
func (k key) text() string {
	switch v := k.value().(type) {
	case time.Duration:
		switch {
		case v == 0 && k.required != "":
			return "" // it is not set
		case v == 0:
			return "0"
		}
		return durationText(v)
	case int64:
		return sizeText(v)
	case bool:
		return k.word(v)
	case *bool:
		if v == nil {
			return ""
		}
		return k.word(*v)
	case slog.Level:
		return strings.ToLower(v.String())
	default:
		return fmt.Sprint(v)
	}
}

func (k key) word(on bool) string {
	words := k.words
	if words[0] == "" {
		words = [2]string{"on", "off"}
	}
	if on {
		return words[0]
	}
	return words[1]
}

// shownOf is shown for a value that may have been cut within a password.
func (k key) shownOf(raw, value string) string {
	if strings.Contains(raw, "@") && !strings.Contains(value, "@") {
		return mask
	}
	return k.shown(value)
}

// display returns what holds, as messages show it: of a list, each item.
func (k key) display() string {
	if !k.list || k.secret {
		return k.shown(k.text())
	}
	items := strings.Split(k.text(), listed)
	for i, item := range items {
		items[i] = redactValue(item)
	}
	return strings.Join(items, listed)
}

// shown returns the value as messages show it.
func (k key) shown(value string) string {
	if k.secret {
		return Secret(value).String()
	}
	return redactValue(value)
}
