package schema

// GeoPointField holds a position on the globe.
type GeoPointField struct {
	Common
	// Required means that the value must not be the point 0, 0.
	Required bool `json:"required"`
}

// Type returns "geoPoint".
func (f *GeoPointField) Type() string { return "geoPoint" }

// Column returns the definition of the column, see [Field].
func (f *GeoPointField) Column() string { return `JSON DEFAULT '{"lon":0,"lat":0}' NOT NULL` }

// Multiple returns false.
func (f *GeoPointField) Multiple() bool { return false }

// Zero returns the value of a field that was never set.
func (f *GeoPointField) Zero() Value { return GeoPoint{} }

// IsRequired implements [RequiredField].
func (f *GeoPointField) IsRequired() bool { return f.Required }
