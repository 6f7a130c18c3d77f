package settings

import (
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/asaskevich/govalidator"

	"github.com/troupebase/troupe/storage/validation"
)

var (
	leafURL       = validation.New("validation_is_url", "Must be a valid URL.")
	leafEmail     = validation.New("validation_is_email", "Must be a valid email address.")
	leafHost      = validation.New("validation_is_host", "Must be a valid IP address or DNS name.")
	leafColor     = validation.New("validation_is_hex_color", "Must be a valid hexadecimal color code.")
	leafIn        = validation.New("validation_in_invalid", "Must be a valid value.")
	leafMatch     = validation.New("validation_match_invalid", "Must be in a valid format.")
	leafIP        = validation.New("validation_invlaid_ip_or_subnet", "Invalid IP or CIDR subnet.") // clients know it so
	colorLength   = validation.New("validation_length_invalid", "The length must be exactly 7.").With(map[string]any{"min": 7, "max": 7})
	lengthOfNames = validation.New("validation_length_out_of_range", "The length must be between 1 and 255.").
			With(map[string]any{"min": 1, "max": 255})
)

// labelPattern is what the label of a rate limit rule matches: a path, a method and a path, or a tag with or without
// a collection.
var labelPattern = regexp.MustCompile(`^(\w+\ \/[\w\/-]*|\/[\w\/-]*|^\w+\:\w+|\*\:\w+|\w+)$`)

// Validate returns everything that is wrong with s as a validation.Errors, or nil.
func (s *Settings) Validate() error {
	errs := validation.Errors{}
	errs.Set("superuserIPs", checkIPs(s.SuperuserIPs))
	errs.Set("smtp", s.SMTP.check())
	errs.Set("backups", s.Backups.check())
	errs.Set("s3", s.S3.check())
	errs.Set("meta", s.Meta.check())
	errs.Set("rateLimits", s.RateLimits.check())
	errs.Set("batch", s.Batch.check())
	errs.Set("logs", s.Logs.check())
	return errs.Or()
}

func required(ok bool) error {
	if ok {
		return nil
	}
	return validation.Required
}

// atLeast checks a number; 0 passes, as it stands for "not set".
func atLeast(n, min int64) error {
	if n == 0 || n >= min {
		return nil
	}
	return validation.New("validation_min_greater_equal_than_required", fmt.Sprintf("Must be no less than %d.", min)).
		With(map[string]any{"threshold": min})
}

// needed is atLeast for a number that must be set when ok is false.
func needed(ok bool, n, min int64) error {
	if n == 0 && !ok {
		return validation.Required
	}
	return atLeast(n, min)
}

func passes(s string, valid func(string) bool, failure *validation.Error) error {
	if s == "" || valid(s) {
		return nil
	}
	return failure
}

func checkIPs(list []string) validation.Errors {
	errs := validation.Errors{}
	for i, s := range list {
		if s == "" {
			errs.Set(strconv.Itoa(i), validation.Required)
		} else {
			errs.Set(strconv.Itoa(i), passes(s, isAddress, leafIP))
		}
	}
	return errs
}

func isAddress(s string) bool {
	if strings.Contains(s, "/") {
		_, _, err := net.ParseCIDR(s)
		return err == nil
	}
	return net.ParseIP(s) != nil
}

func (m *Meta) check() validation.Errors {
	errs := validation.Errors{}
	errs.Set("appName", checkName(m.AppName))
	errs.Set("appURL", first(required(m.AppURL != ""), passes(m.AppURL, govalidator.IsURL, leafURL)))
	errs.Set("senderName", checkName(m.SenderName))
	errs.Set("senderAddress", first(required(m.SenderAddress != ""), passes(m.SenderAddress, govalidator.IsEmail, leafEmail)))
	errs.Set("accentColor", first(
		passes(m.AccentColor, func(s string) bool { return len(s) == 7 }, colorLength),
		passes(m.AccentColor, govalidator.IsHexcolor, leafColor)))
	return errs
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func checkName(s string) error {
	return first(required(s != ""), passes(s, func(s string) bool { return len(s) <= 255 }, lengthOfNames))
}

func (m *SMTP) check() validation.Errors {
	errs := validation.Errors{}
	errs.Set("host", first(required(!m.Enabled || m.Host != ""), passes(m.Host, govalidator.IsHost, leafHost)))
	errs.Set("port", needed(!m.Enabled, int64(m.Port), 0))
	errs.Set("authMethod", passes(m.AuthMethod, func(s string) bool { return s == "PLAIN" || s == "LOGIN" }, leafIn))
	errs.Set("localName", passes(m.LocalName, govalidator.IsHost, leafHost))
	return errs
}

func (b *S3) check() validation.Errors {
	errs := validation.Errors{}
	errs.Set("endpoint", first(required(!b.Enabled || b.Endpoint != ""), passes(b.Endpoint, govalidator.IsURL, leafURL)))
	errs.Set("bucket", required(!b.Enabled || b.Bucket != ""))
	errs.Set("region", required(!b.Enabled || b.Region != ""))
	errs.Set("accessKey", required(!b.Enabled || b.AccessKey != ""))
	errs.Set("secret", required(!b.Enabled || b.Secret != ""))
	return errs
}

func (b *Backups) check() validation.Errors {
	errs := validation.Errors{}
	if b.Cron != "" {
		if _, err := ParseCron(b.Cron); err != nil {
			errs.Set("cron", validation.New("validation_invalid_cron", err.Error()))
		}
	}
	errs.Set("cronMaxKeep", needed(b.Cron == "", int64(b.CronMaxKeep), 1))
	errs.Set("s3", b.S3.check())
	return errs
}

func (b *Batch) check() validation.Errors {
	errs := validation.Errors{}
	errs.Set("maxRequests", needed(!b.Enabled, int64(b.MaxRequests), 0))
	errs.Set("timeout", needed(!b.Enabled, b.Timeout, 0))
	errs.Set("maxBodySize", atLeast(b.MaxBodySize, 0))
	return errs
}

func (l *RateLimits) check() validation.Errors {
	errs := validation.Errors{}
	errs.Set("excludedIPs", checkIPs(l.ExcludedIPs))
	if l.Enabled && len(l.Rules) == 0 {
		errs.Set("rules", validation.Required)
		return errs
	}
	rules := validation.Errors{}
	for i := range l.Rules {
		rules.Set(strconv.Itoa(i), l.Rules[i].check())
	}
	if len(rules) == 0 {
		rules = l.checkConflicts()
	}
	errs.Set("rules", rules)
	return errs
}

func (r *RateLimitRule) check() validation.Errors {
	errs := validation.Errors{}
	errs.Set("label", first(required(r.Label != ""), passes(r.Label, labelPattern.MatchString, leafMatch)))
	errs.Set("audience", passes(r.Audience,
		func(s string) bool { return s == AudienceGuest || s == AudienceAuth }, leafIn))
	errs.Set("maxRequests", needed(false, int64(r.MaxRequests), 1))
	errs.Set("duration", needed(false, r.Duration, 1))
	return errs
}

// checkConflicts reports the first rule whose label is taken, by a rule for all or for the same audience.
func (l *RateLimits) checkConflicts() validation.Errors {
	var seen []string
	for i, r := range l.Rules {
		key := r.Label + "@@" + r.Audience
		taken := slices.ContainsFunc(seen, func(other string) bool {
			return strings.HasPrefix(key, other) || strings.HasPrefix(other, key)
		})
		if taken {
			return validation.Errors{strconv.Itoa(i): validation.Errors{"label": validation.New(
				"validation_conflicting_rate_limit_rule",
				fmt.Sprintf("Rate limit rule configuration with label %s already exists or conflicts with another rule.", r.Label)).
				With(map[string]any{"label": r.Label})}}
		}
		seen = append(seen, key)
	}
	return nil
}

func (l *Logs) check() validation.Errors {
	errs := validation.Errors{}
	errs.Set("maxDays", atLeast(int64(l.MaxDays), 0))
	return errs
}
