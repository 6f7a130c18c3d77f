package schema

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/validation"
)

// GeoPointField holds a position on the globe.
type GeoPointField struct {
	Common
	// Required means that the value must not be the point 0, 0.
	Required bool `json:"required"`
}

// Type returns "geoPoint".
func (f *GeoPointField) Type() string { return "geoPoint" }

// Clone returns a deep copy.
func (f *GeoPointField) Clone() Field {
	c := *f
	return &c
}

// Kind returns KindObject.
func (f *GeoPointField) Kind() Kind { return KindObject }

// Role returns RolePlain.
func (f *GeoPointField) Role() Role { return RolePlain }

// CanBeMultiple returns false.
func (f *GeoPointField) CanBeMultiple() bool { return false }

// BodyBytes returns 0: values are small.
func (f *GeoPointField) BodyBytes() int64 { return 0 }

// Text returns the JSON.
func (f *GeoPointField) Text(v Value) string { return string(f.AppendValue(nil, v)) }

// Column returns the definition of the column, see [Field].
func (f *GeoPointField) Column() string { return `JSON DEFAULT '{"lon":0,"lat":0}' NOT NULL` }

// Multiple returns false.
func (f *GeoPointField) Multiple() bool { return false }

// Zero returns the value of a field that was never set.
func (f *GeoPointField) Zero() Value { return GeoPoint{} }

// Cast reads an object with the members lon and lat, their names in any case, or a text that holds one; everything else
// is the point 0, 0, and a member that is no number is 0.
func (f *GeoPointField) Cast(raw any) Value {
	switch v := raw.(type) {
	case GeoPoint:
		return v
	case map[string]any:
		return geoPointOf(v)
	case string:
		var members map[string]any
		if json.Unmarshal([]byte(v), &members) != nil {
			return GeoPoint{}
		}
		return geoPointOf(members)
	case JSON:
		return f.Cast(string(v))
	}
	return GeoPoint{}
}

func geoPointOf(members map[string]any) GeoPoint {
	var p GeoPoint
	exactLon, exactLat := false, false
	for name, member := range members {
		n, ok := member.(float64)
		if !ok {
			continue
		}
		// A map has no order: the member in lower case wins over one in another case.
		switch {
		case name == "lon":
			p.Lon, exactLon = n, true
		case name == "lat":
			p.Lat, exactLat = n, true
		case strings.EqualFold(name, "lon") && !exactLon:
			p.Lon = n
		case strings.EqualFold(name, "lat") && !exactLat:
			p.Lat = n
		}
	}
	return p
}

// Validate checks that the point is on the globe.
func (f *GeoPointField) Validate(v Value, _ Operation) error {
	p, _ := v.(GeoPoint)
	switch {
	case f.Required && p == GeoPoint{}:
		return validation.Required
	case !(p.Lat >= -90 && p.Lat <= 90):
		return validation.New("validation_invalid_latitude", "Latitude must be between -90 and 90 degrees.")
	case !(p.Lon >= -180 && p.Lon <= 180):
		return validation.New("validation_invalid_longitude", "Longitude must be between -180 and 180 degrees.")
	}
	return nil
}

// ValidateOptions checks the settings.
func (f *GeoPointField) ValidateOptions(ctx context.Context, in *OptionsInput) validation.Errors {
	return validateCommon(f)
}

// Scan reads the column. It fails for everything that is no JSON object with numbers as lon and lat; "", null and a
// missing member are read as 0.
func (f *GeoPointField) Scan(stmt *sqlite.Stmt, col int) (Value, error) {
	var p GeoPoint
	switch stmt.ColumnType(col) {
	case sqlite.TypeNull:
		return p, nil
	case sqlite.TypeText, sqlite.TypeBlob:
		text := appendRaw(nil, stmt, col)
		if len(text) == 0 {
			return p, nil
		}
		if err := json.Unmarshal(text, &p); err != nil {
			return nil, fmt.Errorf("scan geoPoint %s: %w", f.Name, err)
		}
		return p, nil
	}
	return nil, fmt.Errorf("scan geoPoint %s: the column holds a number", f.Name)
}

// Bind binds the point as JSON, lon first.
func (f *GeoPointField) Bind(stmt *sqlite.Stmt, param int, v Value) {
	stmt.BindText(param, string(f.AppendValue(nil, v)))
}

// AppendColumn appends the point as JSON, lon first.
func (f *GeoPointField) AppendColumn(dst []byte, stmt *sqlite.Stmt, col int) ([]byte, error) {
	if stmt.ColumnType(col) == sqlite.TypeText {
		start := len(dst)
		dst = appendRaw(dst, stmt, col)
		if isWrittenPoint(dst[start:]) {
			return dst, nil
		}
		dst = dst[:start]
	}
	p, err := f.Scan(stmt, col)
	if err != nil {
		return dst, err
	}
	return f.AppendValue(dst, p), nil
}

// isWrittenPoint tells whether raw is a point in the very form that AppendValue writes it, for coordinates of the usual
// size; it may say no to others, which are then decoded.
func isWrittenPoint(raw []byte) bool {
	const lon, lat = `{"lon":`, `,"lat":`
	if len(raw) < len(lon) || string(raw[:len(lon)]) != lon {
		return false
	}
	raw = raw[len(lon):]
	n := shortDecimal(raw)
	if n == 0 || len(raw) < n+len(lat) || string(raw[n:n+len(lat)]) != lat {
		return false
	}
	raw = raw[n+len(lat):]
	n = shortDecimal(raw)
	return n > 0 && len(raw) == n+1 && raw[n] == '}'
}

// shortDecimal returns the length of the number that raw begins with, if it is the only way to write that number: no
// leading or trailing zeros, no exponent, few enough digits for a float64 to keep them. Otherwise it returns 0.
func shortDecimal(raw []byte) int {
	i, digits := 0, 0
	negative := len(raw) > 0 && raw[0] == '-'
	if negative {
		i++
	}
	whole := i
	for ; i < len(raw) && raw[i] >= '0' && raw[i] <= '9'; i++ {
		digits++
	}
	if digits == 0 || raw[whole] == '0' && digits > 1 {
		return 0
	}
	zero := raw[whole] == '0'
	if i < len(raw) && raw[i] == '.' {
		fraction := i + 1
		for i = fraction; i < len(raw) && raw[i] >= '0' && raw[i] <= '9'; i++ {
			digits++
		}
		if i == fraction || raw[i-1] == '0' {
			return 0
		}
		// Below 1e-6 the written form has an exponent.
		if zero && i-fraction > 6 && string(raw[fraction:fraction+5]) == "00000" {
			return 0
		}
	} else if zero && negative {
		return 0
	}
	if digits > 15 {
		return 0
	}
	return i
}

// AppendValue appends v as JSON, lon first.
func (f *GeoPointField) AppendValue(dst []byte, v Value) []byte {
	p, _ := v.(GeoPoint)
	dst = append(dst, `{"lon":`...)
	dst = appendJSONNumber(dst, p.Lon)
	dst = append(dst, `,"lat":`...)
	dst = appendJSONNumber(dst, p.Lat)
	return append(dst, '}')
}
