package schema

import (
	"fmt"
	"strings"
)

// A view's query is read only as far as needed to see which result columns are columns of a collection. What the
// reading does not understand is an error, so the ways that it is naive are part of what clients see.

// identifier is an expression of a query with the name that it has outside.
type identifier struct {
	expression string
	alias      string
}

// querySources is what a query selects from where.
type querySources struct {
	columns []identifier
	tables  []identifier
}

// tokenSection is the part of a query that a token belongs to.
type tokenSection int

const (
	sectionSkip tokenSection = iota
	sectionColumns
	sectionTables
	sectionJoins
	sectionCount
)

// parseQuery reads the columns and tables of a SELECT.
func parseQuery(query string) (*querySources, error) {
	tokens, err := queryTokens(query)
	if err != nil {
		return nil, err
	}
	var parts [sectionCount][][]string
	section := sectionSkip
	for i := 0; i < len(tokens); i++ {
		if tokens[i].comma {
			parts[section] = append(parts[section], nil)
			continue
		}
		next, n := keyword(tokens[i:], section)
		if n > 0 {
			section = next
			i += n - 1
			if section == sectionJoins {
				parts[section] = append(parts[section], nil)
			}
			continue
		}
		if section == sectionColumns && strings.EqualFold(tokens[i].text, "distinct") && len(parts[section]) == 0 {
			continue
		}
		if len(parts[section]) == 0 {
			parts[section] = append(parts[section], nil)
		}
		last := &parts[section][len(parts[section])-1]
		*last = append(*last, tokens[i].text)
	}
	src := &querySources{}
	if src.columns, err = identifiers(parts[sectionColumns]); err != nil {
		return nil, err
	}
	if src.tables, err = identifiers(append(parts[sectionTables], parts[sectionJoins]...)); err != nil {
		return nil, err
	}
	return src, nil
}

// queryToken is a word outside of brackets and quotes, or a comma.
type queryToken struct {
	text  string
	comma bool
}

func queryTokens(query string) ([]queryToken, error) {
	const blanks = " \t\r\n"
	var tokens []queryToken
	parts, err := splitOutside(stripComments(query), blanks+",")
	if err != nil {
		return nil, err
	}
	// The separators are not returned, but they are all one byte long.
	text, at := stripComments(query), 0
	for _, part := range parts {
		if part != "" {
			tokens = append(tokens, queryToken{text: part})
		}
		at += len(part)
		if at < len(text) && text[at] == ',' {
			tokens = append(tokens, queryToken{comma: true})
		}
		at++
	}
	return tokens, nil
}

// keyword returns the section that begins at the first of tokens and the number of tokens that say so, 0 for none.
func keyword(tokens []queryToken, section tokenSection) (tokenSection, int) {
	word := func(i int) string {
		if i >= len(tokens) {
			return ""
		}
		return strings.ToLower(tokens[i].text)
	}
	switch word(0) {
	case "select":
		return sectionColumns, 1
	case "from":
		return sectionTables, 1
	case "join":
		return sectionJoins, 1
	case "full", "left", "right", "cross", "inner", "outer":
		if word(1) == "join" {
			return sectionJoins, 2
		}
		if word(1) == "outer" && word(2) == "join" {
			return sectionJoins, 3
		}
	case "where", "having", "order", "limit", "with":
		return sectionSkip, 1
	case "group":
		if word(1) == "by" {
			return sectionSkip, 2
		}
	case "on":
		if section == sectionJoins {
			return sectionSkip, 1
		}
	}
	return section, 0
}

func identifiers(parts [][]string) ([]identifier, error) {
	var list []identifier
	for _, part := range parts {
		switch {
		case len(part) == 0:
		case len(part) == 1:
			name := part[0]
			if i := strings.LastIndexByte(name, '.'); i >= 0 {
				name = name[i+1:]
			}
			list = append(list, identifier{part[0], bareAlias(name)})
		case len(part) == 2:
			list = append(list, identifier{part[0], bareAlias(part[1])})
		case len(part) == 3 && strings.EqualFold(part[1], "as"):
			list = append(list, identifier{part[0], bareAlias(part[2])})
		case len(part) == 3:
			return nil, fmt.Errorf(`invalid identifier part - expected "as", got %s`, part[1])
		default:
			return nil, fmt.Errorf("invalid identifier parts %v", part)
		}
	}
	return list, nil
}

var (
	nameQuotes  = strings.NewReplacer("`", "", `"`, "", "[", "", "]", "")
	aliasQuotes = strings.NewReplacer("`", "", `"`, "", "[", "", "]", "", "'", "")
)

func bareName(s string) string  { return nameQuotes.Replace(s) }
func bareAlias(s string) string { return aliasQuotes.Replace(s) }

// stripComments replaces comments by a blank. What looks like one inside quotes is none.
func stripComments(query string) string {
	var b strings.Builder
	for i := 0; i < len(query); {
		rest := query[i:]
		switch {
		case strings.HasPrefix(rest, "--"):
			n := strings.IndexByte(rest, '\n')
			if n < 0 {
				n = len(rest)
			}
			b.WriteByte(' ')
			i += n
		case strings.HasPrefix(rest, "/*"):
			n := strings.Index(rest[2:], "*/")
			if n < 0 {
				n = len(rest) - 4
			}
			b.WriteByte(' ')
			i += max(n+4, 2)
		case query[i] == '\'' || query[i] == '"' || query[i] == '`' || query[i] == '[':
			n := quotedLength(rest)
			b.WriteString(rest[:n])
			i += n
		default:
			b.WriteByte(query[i])
			i++
		}
	}
	return b.String()
}

// quotedLength returns the length of the quoted text that s begins with, all of s when it does not end.
func quotedLength(s string) int {
	end := s[0]
	if end == '[' {
		end = ']'
	}
	if n := strings.IndexByte(s[1:], end); n >= 0 {
		return n + 2
	}
	return len(s)
}
