package sqlite

import "strings"

// QuoteName makes an SQL identifier of the name of a table, column or index. All of storage writes names with it.
func QuoteName(name string) string {
	if strings.IndexByte(name, '`') >= 0 {
		name = strings.ReplaceAll(name, "`", "``")
	}
	return "`" + name + "`"
}
