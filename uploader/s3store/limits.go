// R8: bounded. What an answer may have, what is remembered and what is done at once has limits.

package s3store

const (
	// What is read of an answer, at most.
	maxHeader    = 64 << 10 // bytes
	maxShortBody = 64 << 10 // bytes of a body: of an error, and of what is not a list
	maxListBody  = 8 << 20  // bytes of a body: of one page of a list
	// A page has 1,000 entries, each of which has up to 30 tags. The limit is for memory: an empty
	// element takes more of it than its text.
	maxListTags = 40_000
	peekBytes   = 1024
	// maxContent is how much of an object Get returns at most, in bytes.
	maxContent = 32 << 20
	// maxKeysAnswer is how much of an answer with credentials is read, in bytes.
	maxKeysAnswer = 64 << 10
	// maxSDKMessage is how much of a message of the SDK is logged, in bytes: it puts answers into some.
	maxSDKMessage = 500

	// pagesAtOnce bounds the memory that lists take: 64 MB, as a page may have maxListBody bytes.
	pagesAtOnce = 8
	// manyPages is how many pages of a list are asked for: with 1,000 entries each, more than any has.
	manyPages = 10_000
	// maxRememberedParts bounds what is remembered of failed uploads. A part takes some 150 bytes: 3 MB.
	maxRememberedParts = 20_000

	// maxDials is how many addresses of a name are tried at once.
	maxDials = 8
	// maxNames bounds the names that are remembered, and the addresses.
	maxNames = 100
)
