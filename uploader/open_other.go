//go:build !unix

package uploader

const openNonblock = 0
