// R8: bounded. Answers, memory of uploads, and simultaneous work have limits.

package s3store

const (
	// How much is read of an answer, at most.
	maxHeader    = 64 << 10 // bytes
	maxShortBody = 64 << 10 // bytes of a body that is no list
	maxListBody  = 8 << 20  // bytes of a page of a list
	// A page has 1,000 entries of up to 30 tags each. The limit bounds memory: an empty element
	// takes more of it than its text.
	maxListTags = 40_000
	peekBytes   = 1024
	// maxContent is how much of an object Get returns at most, in bytes.
	maxContent = 32 << 20
	// maxKeysAnswer is how much of an answer with credentials is read, in bytes.
	maxKeysAnswer = 64 << 10
	// maxSDKMessage is how much of a message of the SDK is logged, in bytes. Some have answers in
	// them.
	maxSDKMessage = 500

	// pagesAtOnce bounds the memory of lists to 64 MB, as a page may have maxListBody bytes.
	pagesAtOnce = 8
	// manyPages bounds the pages of a list. With 1,000 entries each, no list has as many.
	manyPages = 10_000
	// maxRememberedParts bounds what is remembered of failed uploads. A part takes some 150 bytes:
	// 3 MB.
	maxRememberedParts = 20_000

	// maxDials is how many addresses of a name are tried.
	maxDials = 8
	// maxNames bounds the names that are remembered, and the addresses.
	maxNames = 100
)
