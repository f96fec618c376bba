package trouble

import "hash/maphash"

// identity tells one piece of trouble from others, in 8 bytes whatever the length of its names.
// That two of them are equal by chance is less likely than one in 10^11.
type identity uint64

type identitySeed = maphash.Seed

func newIdentitySeed() identitySeed { return maphash.MakeSeed() }

func (r *Reporter) identify(kind string, at At) identity {
	if at.Shared != "" {
		at.Stream = ""
	}
	return identity(maphash.Comparable(r.seed, [5]string{r.scope, kind, at.Stream, at.Subject, at.Shared}))
}
