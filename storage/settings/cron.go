package settings

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Cron is a parsed cron expression of five fields. It is immutable and safe for concurrent use.
type Cron struct {
	text   string
	fields [5]uint64 // one bit for each allowed value
}

var cronMacros = map[string]string{
	"@yearly":   "0 0 1 1 *",
	"@annually": "0 0 1 1 *",
	"@monthly":  "0 0 1 * *",
	"@weekly":   "0 0 * * 0",
	"@daily":    "0 0 * * *",
	"@midnight": "0 0 * * *",
	"@hourly":   "0 * * * *",
}

// cronBounds are the lowest and highest value of minute, hour, day, month and weekday.
var cronBounds = [5][2]int{{0, 59}, {0, 23}, {1, 31}, {1, 12}, {0, 6}}

// ParseCron reads a macro such as @daily or the five fields minute, hour, day of month, month and day of week, with
// exactly one blank between them. The text of its error is meant for clients.
func ParseCron(expression string) (*Cron, error) {
	c := &Cron{text: expression}
	if macro, ok := cronMacros[expression]; ok {
		c.text = macro
	}
	segments := strings.Split(c.text, " ")
	if len(segments) != len(c.fields) {
		return nil, errors.New("invalid cron expression - must be a valid macro or to have exactly 5 space separated segments")
	}
	for i, segment := range segments {
		bits, err := parseCronSegment(segment, cronBounds[i][0], cronBounds[i][1])
		if err != nil {
			return nil, err
		}
		c.fields[i] = bits
	}
	return c, nil
}

// String returns the five fields, also of a macro.
func (c *Cron) String() string { return c.text }

// Matches tells whether the job is due in the minute of t. All five fields must match, in UTC.
func (c *Cron) Matches(t time.Time) bool {
	t = t.UTC()
	for i, v := range [5]int{t.Minute(), t.Hour(), t.Day(), int(t.Month()), int(t.Weekday())} {
		if c.fields[i]&(1<<v) == 0 {
			return false
		}
	}
	return true
}

func parseCronSegment(segment string, low, high int) (uint64, error) {
	var bits uint64
	for _, item := range strings.Split(segment, ",") {
		b, err := parseCronItem(item, low, high)
		if err != nil {
			return 0, err
		}
		bits |= b
	}
	return bits, nil
}

func parseCronItem(item string, low, high int) (uint64, error) {
	parts := strings.Split(item, "/")
	step := 1
	switch len(parts) {
	case 1:
	case 2:
		n, err := strconv.Atoi(parts[1])
		if err != nil {
			return 0, err
		}
		if n < 1 || n > high {
			return 0, fmt.Errorf("invalid segment step boundary - the step must be between 1 and the %d", high)
		}
		step = n
	default:
		return 0, errors.New("invalid segment step format - must be in the format */n or 1-30/n")
	}
	from, to, err := parseCronRange(parts[0], step, low, high)
	if err != nil {
		return 0, err
	}
	var bits uint64
	for n := from; n <= to; n += step {
		bits |= 1 << n
	}
	return bits, nil
}

func parseCronRange(text string, step, low, high int) (from, to int, err error) {
	if text == "*" {
		return low, high, nil
	}
	parts := strings.Split(text, "-")
	switch len(parts) {
	case 1:
		if step > 1 {
			return 0, 0, errors.New("invalid segment step - step > 1 could be used only with the wildcard or range format")
		}
		n, err := strconv.Atoi(parts[0])
		if err != nil {
			return 0, 0, err
		}
		if n < low || n > high {
			return 0, 0, errors.New("invalid segment value - must be between the min and max of the segment")
		}
		return n, n, nil
	case 2:
	default:
		return 0, 0, errors.New("invalid segment range format - the range must have 1 or 2 parts")
	}
	if from, err = strconv.Atoi(parts[0]); err != nil {
		return 0, 0, err
	}
	if from < low || from > high {
		return 0, 0, fmt.Errorf("invalid segment range minimum - must be between %d and %d", low, high)
	}
	if to, err = strconv.Atoi(parts[1]); err != nil {
		return 0, 0, err
	}
	if to < from || to > high {
		return 0, 0, fmt.Errorf("invalid segment range maximum - must be between %d and %d", from, high)
	}
	return from, to, nil
}
