package schema

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"regexp/syntax"
	"unicode/utf8"
)

// maxRepeat is how often a part without an upper bound is repeated at most, the bound itself excluded.
const maxRepeat = 6

// anyCharacters is what "." draws from.
const anyCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// generator makes random texts that match an expression. It is immutable and safe for concurrent use. The randomness is
// fit for secrets.
type generator struct {
	pattern string
	root    *syntax.Regexp
}

// newGenerator fails for expressions that do not parse and for those with an operator that says nothing about what to
// write, like ^ or \b; the message is shown to clients.
func newGenerator(pattern string) (*generator, error) {
	root, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil, err
	}
	if err := checkGeneratable(root); err != nil {
		return nil, err
	}
	if maxSteps(root) > maxGenerateSteps {
		return nil, errGenerateSteps
	}
	return &generator{pattern: pattern, root: root}, nil
}

func checkGeneratable(re *syntax.Regexp) error {
	switch re.Op {
	case syntax.OpLiteral, syntax.OpCharClass, syntax.OpAnyCharNotNL, syntax.OpAnyChar,
		syntax.OpCapture, syntax.OpStar, syntax.OpPlus, syntax.OpQuest, syntax.OpRepeat, syntax.OpConcat,
		syntax.OpAlternate:
	default:
		return fmt.Errorf("unsupported pattern operator %d", re.Op)
	}
	for _, sub := range re.Sub {
		if err := checkGeneratable(sub); err != nil {
			return err
		}
	}
	return nil
}

// maxGenerateSteps bounds the work for one text: nested repetitions multiply, and thirty brackets would keep a processor
// busy for years. It leaves room for the longest text that a field takes by default.
const maxGenerateSteps = 100_000

var errGenerateSteps = errors.New("the pattern repeats too much")

// maxSteps returns how many parts of re are visited at most while a text is made.
func maxSteps(re *syntax.Regexp) float64 {
	steps := 1.0
	for _, sub := range re.Sub {
		if re.Op == syntax.OpAlternate {
			steps = max(steps, 1+maxSteps(sub))
		} else {
			steps += maxSteps(sub)
		}
	}
	if from, to := repeats(re); to > 1 {
		steps *= float64(max(from, to-1))
	}
	return steps
}

// repeats returns how often the part inside re is written: at least from and fewer than to times, or exactly from times
// when they are the same.
func repeats(re *syntax.Regexp) (from, to int) {
	switch re.Op {
	case syntax.OpStar:
		return 0, maxRepeat
	case syntax.OpPlus:
		return 1, maxRepeat
	case syntax.OpQuest:
		return 0, 2
	case syntax.OpRepeat:
		if re.Max < 0 {
			return re.Min, max(re.Min, maxRepeat)
		}
		return re.Min, re.Max
	}
	return 1, 1
}

func (g *generator) generate() string {
	var r random
	return string(r.appendMatch(nil, g.root))
}

// random hands out numbers from the system's generator, fetched in blocks.
type random struct {
	block [256]byte
	rest  []byte
}

// below returns a number from 0 to n-1, each as likely as the others.
func (r *random) below(n int) int {
	if n <= 1 {
		return 0
	}
	limit := uint32(n)
	// Numbers above the last multiple of n would favour the small results.
	last := ^uint32(0) - ^uint32(0)%limit
	for {
		if len(r.rest) < 4 {
			// It never fails: crypto/rand ends the process when the system has no randomness.
			_, _ = rand.Read(r.block[:])
			r.rest = r.block[:]
		}
		v := binary.LittleEndian.Uint32(r.rest)
		r.rest = r.rest[4:]
		if v < last {
			return int(v % limit)
		}
	}
}

func (r *random) appendMatch(dst []byte, re *syntax.Regexp) []byte {
	switch re.Op {
	case syntax.OpLiteral:
		for _, c := range re.Rune {
			dst = utf8.AppendRune(dst, c)
		}
	case syntax.OpCharClass:
		dst = utf8.AppendRune(dst, r.fromClass(re.Rune))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		dst = append(dst, anyCharacters[r.below(len(anyCharacters))])
	case syntax.OpCapture:
		dst = r.appendMatch(dst, re.Sub[0])
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			dst = r.appendMatch(dst, sub)
		}
	case syntax.OpAlternate:
		dst = r.appendMatch(dst, re.Sub[r.below(len(re.Sub))])
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest, syntax.OpRepeat:
		from, to := repeats(re)
		for range from + r.below(to-from) {
			dst = r.appendMatch(dst, re.Sub[0])
		}
	}
	return dst
}

// fromClass returns one character of a class, which is a list of pairs of bounds.
func (r *random) fromClass(pairs []rune) rune {
	total := 0
	for i := 0; i+1 < len(pairs); i += 2 {
		total += int(pairs[i+1]-pairs[i]) + 1
	}
	n := r.below(total)
	for i := 0; i+1 < len(pairs); i += 2 {
		size := int(pairs[i+1]-pairs[i]) + 1
		if n < size {
			return pairs[i] + rune(n)
		}
		n -= size
	}
	return utf8.RuneError
}

// randomName returns n random characters of a-z and 0-9.
func randomName(n int) string {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	var r random
	dst := make([]byte, n)
	for i := range dst {
		dst[i] = letters[r.below(len(letters))]
	}
	return string(dst)
}
