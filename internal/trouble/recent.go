package trouble

import (
	"container/list"
	"iter"
)

// recent maps keys to values, and drops the least recently used one when there are too many.
type recent[K comparable, V any] struct {
	most  int
	byKey map[K]*list.Element
	order list.List // of item[K, V]: the least recently used one first
}

type item[K comparable, V any] struct {
	key   K
	value V
}

func newRecent[K comparable, V any](most int) *recent[K, V] {
	return &recent[K, V]{most: most, byKey: make(map[K]*list.Element)}
}

// get returns the value under key, which is the most recently used one then.
func (r *recent[K, V]) get(key K) (v V, ok bool) {
	e, ok := r.byKey[key]
	if !ok {
		return v, false
	}
	r.order.MoveToBack(e)
	return e.Value.(item[K, V]).value, true
}

// put adds a value under a key that has none. If there are too many then, it removes the least
// recently used one, and returns it.
func (r *recent[K, V]) put(key K, value V) (evicted item[K, V], full bool) {
	r.byKey[key] = r.order.PushBack(item[K, V]{key, value})
	if len(r.byKey) <= r.most {
		return evicted, false
	}
	evicted = r.order.Front().Value.(item[K, V])
	r.remove(evicted.key)
	return evicted, true
}

func (r *recent[K, V]) remove(key K) (v V, ok bool) {
	e, ok := r.byKey[key]
	if !ok {
		return v, false
	}
	delete(r.byKey, key)
	return r.order.Remove(e).(item[K, V]).value, true
}

// all iterates from the least to the most recently used one. The loop may remove the one that it is
// at.
func (r *recent[K, V]) all() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		for e := r.order.Front(); e != nil; {
			next := e.Next()
			if i := e.Value.(item[K, V]); !yield(i.key, i.value) {
				return
			}
			e = next
		}
	}
}
