//go:build !unix

package main

import "context"

// The processor time of the process is not measured here.
func adaptProcessors(context.Context) {}
