package settings

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/troupebase/troupe/storage/schema"
)

// rowID is the row of _params that the settings are in.
const rowID = "settings"

// Key is what settings are encrypted with. The zero value leaves them in clear.
type Key struct {
	// Name is the environment variable that the secret comes from, for messages.
	Name string
	// Secret has 32 bytes; 16 and 24 are accepted too.
	Secret []byte
}

// errNoRow is returned by Load when the settings were never stored.
var errNoRow = errors.New("no settings stored")

// Load reads the settings over the defaults. Settings in clear are read whatever the key. A row that is missing counts
// as the defaults.
func Load(conn *sqlite.Conn, key Key) (*Settings, error) {
	text, err := loadValue(conn)
	if errors.Is(err, errNoRow) {
		return Default(), nil
	}
	if err != nil {
		return nil, fmt.Errorf("load settings: %w", err)
	}
	return decode(text, key)
}

func loadValue(conn *sqlite.Conn) ([]byte, error) {
	var text []byte
	found := false
	err := sqlitex.ExecuteTransient(conn, "SELECT `value` FROM `_params` WHERE `id` = ?1", &sqlitex.ExecOptions{
		Args: []any{rowID},
		ResultFunc: func(stmt *sqlite.Stmt) error {
			text = make([]byte, stmt.ColumnLen(0))
			stmt.ColumnBytes(0, text)
			found = true
			return nil
		},
	})
	if err == nil && !found {
		err = errNoRow
	}
	return text, err
}

func decode(text []byte, key Key) (*Settings, error) {
	s := Default().Clone()
	plainErr := json.Unmarshal(text, s)
	if plainErr == nil {
		s.fillLists()
		return s, nil
	}
	if len(key.Secret) == 0 {
		return nil, fmt.Errorf("invalid settings db data or missing encryption key %q", key.Name)
	}
	plain, err := decrypt(text, key.Secret)
	if err != nil {
		return nil, err
	}
	s = Default().Clone()
	if err := json.Unmarshal(plain, s); err != nil {
		return nil, fmt.Errorf("decode decrypted settings: %w", err)
	}
	s.fillLists()
	return s, nil
}

// Save stores the settings, encrypted when there is a key. It belongs to the caller's transaction.
func Save(conn *sqlite.Conn, s *Settings, key Key, now time.Time) error {
	value, err := encode(s, key)
	if err != nil {
		return fmt.Errorf("encode settings: %w", err)
	}
	moment := schema.FormatDate(now)
	err = sqlitex.ExecuteTransient(conn, "INSERT INTO `_params` (`id`, `value`, `created`, `updated`) VALUES (?1, ?2, ?3, ?3)"+
		" ON CONFLICT (`id`) DO UPDATE SET `value` = excluded.`value`, `updated` = excluded.`updated`",
		&sqlitex.ExecOptions{Args: []any{rowID, value, moment}})
	if err != nil {
		return fmt.Errorf("save settings: %w", err)
	}
	return nil
}

// Ensure stores the defaults in clear when there is no row yet, as [Load] would read them.
func Ensure(conn *sqlite.Conn, now time.Time) error {
	_, err := loadValue(conn)
	if !errors.Is(err, errNoRow) {
		return err
	}
	return Save(conn, Default(), Key{}, now)
}

// encode returns the stored form: a blob in clear, a text when it is encrypted.
func encode(s *Settings, key Key) (any, error) {
	c := s.Clone()
	c.fillLists()
	plain, err := json.Marshal(c)
	if err != nil || len(key.Secret) == 0 {
		return plain, err
	}
	gcm, err := newGCM(key.Secret)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, gcm.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	return base64.StdEncoding.EncodeToString(gcm.Seal(nonce, nonce, plain, nil)), nil
}

func decrypt(text, secret []byte) ([]byte, error) {
	gcm, err := newGCM(secret)
	if err != nil {
		return nil, err
	}
	sealed, err := base64.StdEncoding.DecodeString(string(text))
	if err != nil {
		return nil, fmt.Errorf("decode encrypted settings: %w", err)
	}
	if len(sealed) < gcm.NonceSize() {
		return nil, errors.New("encrypted settings are too short")
	}
	return gcm.Open(nil, sealed[:gcm.NonceSize()], sealed[gcm.NonceSize():], nil)
}

func newGCM(secret []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
