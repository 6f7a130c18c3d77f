package auth

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"

	"golang.org/x/crypto/bcrypt"
	//lint:ignore SA1019 bcrypt is made of this cipher
	"golang.org/x/crypto/blowfish"
)

// golang.org/x/crypto/bcrypt holds a core for the 50 ms of a password. What waits for that core meanwhile, a view of 20 µs
// for instance, waits for up to 10 ms until the runtime takes it away. So the loop that costs the time stands here, on
// the same package blowfish, and others may go first after each of its rounds. A test compares both on random passwords.

const (
	saltBytes   = 16
	digestBytes = 23
	// saltText is the length of a salt in the text of a hash.
	saltText = 22
	// hashText is the length of such a text, with the two-letter version that is made here.
	hashText = 60
)

// bcryptMagic is the text that is encrypted over and over.
const bcryptMagic = "OrpheanBeholderScryDoubt"

// bcryptEncoding is bcrypt's own base64.
var bcryptEncoding = base64.NewEncoding("./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789").WithPadding(base64.NoPadding)

var errHash = errors.New("not a bcrypt hash")

// bcryptHash hashes a password of at most 72 bytes. rest is called after each round.
func bcryptHash(password []byte, cost int, rest func()) (string, error) {
	if cost < bcrypt.MinCost {
		cost = bcrypt.DefaultCost
	}
	if cost > bcrypt.MaxCost {
		return "", bcrypt.InvalidCostError(cost)
	}
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt) // never fails, see crypto/rand
	digest, err := bcryptDigest(password, salt, cost, rest)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("$2a$%02d$%s%s", cost, bcryptEncoding.EncodeToString(salt), bcryptEncoding.EncodeToString(digest)), nil
}

// bcryptMatches tells whether hash was made of password. It takes as long for a wrong one as for the right one.
func bcryptMatches(hash string, password []byte, rest func()) bool {
	cost, salt, want, err := parseBcrypt(hash)
	if err != nil {
		return false
	}
	got, err := bcryptDigest(password, salt, cost, rest)
	return err == nil && subtle.ConstantTimeCompare(got, want) == 1
}

// parseBcrypt takes a hash apart.
func parseBcrypt(hash string) (cost int, salt, digest []byte, err error) {
	if cost, err = bcrypt.Cost([]byte(hash)); err != nil {
		return 0, nil, nil, err
	}
	// Version 2 has one letter less than 2a, 2b and 2y.
	rest := hash[len(hash)-(hashText-len("$2a$10$")):]
	if salt, err = bcryptEncoding.DecodeString(rest[:saltText]); err != nil {
		return 0, nil, nil, err
	}
	if digest, err = bcryptEncoding.DecodeString(rest[saltText:]); err != nil {
		return 0, nil, nil, err
	}
	if len(salt) != saltBytes || len(digest) != digestBytes {
		return 0, nil, nil, errHash
	}
	return cost, salt, digest, nil
}

// bcryptDigest is the algorithm. rest is called after each of its 2^cost rounds.
func bcryptDigest(password, salt []byte, cost int, rest func()) ([]byte, error) {
	key := append(password[:len(password):len(password)], 0)
	cipher, err := blowfish.NewSaltedCipher(key, salt)
	if err != nil {
		return nil, err
	}
	for range uint64(1) << cost {
		blowfish.ExpandKey(key, cipher)
		blowfish.ExpandKey(salt, cipher)
		rest()
	}
	data := []byte(bcryptMagic)
	for i := 0; i < len(data); i += blowfish.BlockSize {
		for range 64 {
			cipher.Encrypt(data[i:], data[i:])
		}
	}
	return data[:digestBytes], nil
}
