package schema

// NewCollection returns a blank collection: the default fields, and for an auth collection the default options with
// fresh secrets. An unknown type has the fields of a base collection; the empty one becomes [Base]. Id and automatic
// indexes are made when it is saved.
func NewCollection(t Type, name string) *Collection {
	if t == "" {
		t = Base
	}
	c := &Collection{Type: t, Name: name}
	switch t {
	case View:
	case Auth:
		c.Fields = append([]Field{newIDField()}, newAuthFields()...)
		c.Auth = newAuthOptions()
	default:
		c.Fields = []Field{newIDField()}
	}
	return c
}

// idFieldID is the id of the field "id" of collections that were made without naming another.
const idFieldID = "text3208210256"

func newIDField() *TextField {
	return &TextField{
		Common:   Common{ID: idFieldID, Name: "id", System: true},
		Required: true, PrimaryKey: true, Min: 15, Max: 15,
		Pattern: defaultIDPattern, AutogeneratePattern: "[a-z0-9]{15}",
	}
}

// newAuthFields returns the fields that every auth collection has, in their order.
func newAuthFields() []Field {
	return []Field{
		&PasswordField{
			Common:   Common{ID: "password901924565", Name: "password", System: true, Hidden: true},
			Required: true, Min: 8,
		},
		&TextField{
			Common:   Common{ID: "text2504183744", Name: "tokenKey", System: true, Hidden: true},
			Required: true, Min: 30, Max: 60, AutogeneratePattern: "[a-zA-Z0-9]{50}",
		},
		&EmailField{Common: Common{ID: "email3885137012", Name: "email", System: true}, Required: true},
		&BoolField{Common: Common{ID: "bool1547992806", Name: "emailVisibility", System: true}},
		&BoolField{Common: Common{ID: "bool256245529", Name: "verified", System: true}},
	}
}

// ownerRule lets a record of any auth collection see the rows that were made about it.
const ownerRule = "@request.auth.id != '' && recordRef = @request.auth.id && collectionRef = @request.auth.collectionId"

// usersID is the id of the auth collection that a fresh data directory begins with.
const usersID = "_pb_users_auth_"

// DefaultCollections returns the collections of a fresh data directory in the order of their rows, without
// datetimes. Each call draws new secrets.
func DefaultCollections() []*Collection {
	return []*Collection{
		systemBase("pbc_2279338944", "_mfas", false,
			[]string{"CREATE INDEX `idx_mfas_collectionRef_recordRef` ON `_mfas` (collectionRef,recordRef)"},
			systemText("method")),
		systemBase("pbc_1638494021", "_otps", false,
			[]string{"CREATE INDEX `idx_otps_collectionRef_recordRef` ON `_otps` (collectionRef, recordRef)"},
			&PasswordField{Common: Common{ID: generateFieldID("password", "password"), Name: "password", System: true, Hidden: true},
				Required: true, Cost: 8},
			&TextField{Common: Common{ID: generateFieldID("text", "sentTo"), Name: "sentTo", System: true, Hidden: true}}),
		systemBase("pbc_2281828961", "_externalAuths", true,
			[]string{
				"CREATE UNIQUE INDEX `idx_externalAuths_record_provider` ON `_externalAuths` (collectionRef, recordRef, provider)",
				"CREATE UNIQUE INDEX `idx_externalAuths_collection_provider` ON `_externalAuths` (collectionRef, provider, providerId)",
			},
			systemText("provider"), systemText("providerId")),
		systemBase("pbc_4275539003", "_authOrigins", true,
			[]string{"CREATE UNIQUE INDEX `idx_authOrigins_unique_pairs` ON `_authOrigins` (collectionRef, recordRef, fingerprint)"},
			systemText("fingerprint")),
		defaultSuperusers(),
		defaultUsers(),
	}
}

func systemText(name string) *TextField {
	return &TextField{Common: Common{ID: generateFieldID("text", name), Name: name, System: true}, Required: true}
}

func autodateFields(system bool) []Field {
	return []Field{
		&AutodateField{Common: Common{ID: generateFieldID("autodate", "created"), Name: "created", System: system}, OnCreate: true},
		&AutodateField{Common: Common{ID: generateFieldID("autodate", "updated"), Name: "updated", System: system}, OnCreate: true, OnUpdate: true},
	}
}

func systemBase(id, name string, ownerDeletes bool, indexes []string, own ...Field) *Collection {
	c := NewCollection(Base, name)
	c.ID, c.System, c.Indexes = id, true, indexes
	c.ListRule, c.ViewRule = pointerTo(ownerRule), pointerTo(ownerRule)
	if ownerDeletes {
		c.DeleteRule = pointerTo(ownerRule)
	}
	c.Fields = append(c.Fields, systemText("collectionRef"), systemText("recordRef"))
	c.Fields = append(c.Fields, own...)
	c.Fields = append(c.Fields, autodateFields(true)...)
	return c
}

func defaultSuperusers() *Collection {
	c := NewCollection(Auth, SuperusersName)
	c.ID, c.System = "pbc_3142635823", true
	c.Fields = append(c.Fields, autodateFields(true)...)
	c.Auth.AuthToken.Duration = 86400
	addAuthIndexes(c, c.ID)
	return c
}

func defaultUsers() *Collection {
	c := NewCollection(Auth, "users")
	c.ID = usersID
	owner := "id = @request.auth.id"
	c.ListRule, c.ViewRule, c.CreateRule = pointerTo(owner), pointerTo(owner), pointerTo("")
	c.UpdateRule, c.DeleteRule = pointerTo(owner), pointerTo(owner)
	c.Fields = append(c.Fields,
		&TextField{Common: Common{ID: generateFieldID("text", "name"), Name: "name"}, Max: 255},
		&FileField{Common: Common{ID: generateFieldID("file", "avatar"), Name: "avatar"}, MaxSelect: 1,
			MimeTypes: []string{"image/jpeg", "image/png", "image/svg+xml", "image/gif", "image/webp"}},
	)
	c.Fields = append(c.Fields, autodateFields(false)...)
	c.Auth.OAuth2.MappedFields = OAuth2MappedFields{Name: "name", AvatarURL: "avatar"}
	addAuthIndexes(c, c.ID)
	return c
}

func pointerTo[T any](v T) *T { return &v }
