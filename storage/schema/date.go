package schema

import "time"

// dateLayout is the stored form of a datetime: UTC, milliseconds, 24 characters, so that texts sort as moments do.
const dateLayout = "2006-01-02 15:04:05.000Z"

// noDate is the zero time of Go in the stored form; it counts as "no date".
const noDate = "0001-01-01 00:00:00.000Z"

// dateLayouts are tried in this order. A fraction after the seconds is accepted by every layout that has seconds.
var dateLayouts = [...]string{
	dateLayout,
	"2006-01-02",
	time.RFC3339,
	"2006-01-02T15:04:05",
	time.RFC1123Z,
	time.RFC1123,
	time.RFC822Z,
	time.RFC822,
	time.RFC850,
	"2006-01-02 15:04:05.999999999 -0700 MST",
	"2006-01-02T15:04:05-0700",
	"2006-01-02 15:04:05Z0700",
	"2006-01-02 15:04:05",
	time.ANSIC,
	time.UnixDate,
	time.RubyDate,
	"2006-01-02 15:04:05Z07:00",
	"02 Jan 2006",
	"2006-01-02 15:04:05 -07:00",
	"2006-01-02 15:04:05 -0700",
	time.Kitchen,
	time.Stamp,
	time.StampMilli,
	time.StampMicro,
	time.StampNano,
}

// FormatDate returns t in the stored form, cut to milliseconds, and "" for the zero time and for years that do not have
// four digits.
func FormatDate(t time.Time) string {
	t = t.UTC()
	if y := t.Year(); y < 0 || y > 9999 {
		return ""
	}
	s := t.Format(dateLayout)
	if s == noDate {
		return ""
	}
	return s
}

// ParseDate reads a datetime in any of the accepted layouts. ok is false for a text that is none, for the empty text and
// for the zero time. The zone database of the machine plays no part: abbreviations other than UTC and GMT have offset 0.
func ParseDate(s string) (t time.Time, ok bool) {
	// Anything longer than the longest layout with its fraction is no date; the bound keeps parsing cheap.
	const longest = 128
	if s == "" || len(s) > longest {
		return time.Time{}, false
	}
	for _, layout := range dateLayouts {
		t, err := time.ParseInLocation(layout, s, time.UTC)
		if err != nil {
			continue
		}
		t = t.UTC()
		if t.IsZero() {
			return time.Time{}, false
		}
		return t, true
	}
	return time.Time{}, false
}

// normaliseDate returns the stored form of a datetime in any accepted layout, and "" for every other text.
func normaliseDate(s string) string {
	if isStoredDate(s) {
		return s
	}
	t, ok := ParseDate(s)
	if !ok {
		return ""
	}
	return FormatDate(t)
}

// dateDigits are the positions of the digits in the stored form.
var dateDigits = [...]uint8{0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18, 20, 21, 22}

// isStoredDate tells whether s is a valid moment in the stored form and not the zero time.
func isStoredDate[T string | []byte](s T) bool {
	if len(s) != len(dateLayout) || s[4] != '-' || s[7] != '-' || s[10] != ' ' || s[13] != ':' || s[16] != ':' || s[19] != '.' || s[23] != 'Z' {
		return false
	}
	for _, i := range dateDigits {
		if s[i]-'0' > 9 {
			return false
		}
	}
	year := two(s, 0)*100 + two(s, 2)
	month, day := two(s, 5), two(s, 8)
	if month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return false
	}
	if two(s, 11) > 23 || two(s, 14) > 59 || two(s, 17) > 59 {
		return false
	}
	return year != 1 || string(s) != noDate
}

func two[T string | []byte](s T, i int) int { return int(s[i]-'0')*10 + int(s[i+1]-'0') }

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}
