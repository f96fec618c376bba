module ems-sidecar/bench

go 1.26.0

require (
	ems-sidecar v0.0.0
	golang.org/x/sys v0.50.0
)

replace ems-sidecar => ../
