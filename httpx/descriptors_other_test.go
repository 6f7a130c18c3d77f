//go:build !unix

package httpx

const fewestDescriptors = 64

func checkRaised() error { return nil }
