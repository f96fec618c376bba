package config

import (
	"errors"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
)

// The keys of credentials.
const accessKey, inlineSecret, secretFile = "aws_access_key", "aws_secret_key", "aws_secret_key_file"

// checkCredentials decides where the secret comes from. A section has it as a value or in a file.
// Its own secret, in either form, wins over that of [S3].
func (u *Upload) checkCredentials(d *decoder) {
	from := "S3"
	if d.sets(u.Section, inlineSecret) || d.sets(u.Section, secretFile) {
		from = u.Section
	}
	secretKey, ok := u.chooseSecret(d, from)
	if !ok {
		return
	}
	// Half a pair in this section and the other half of a whole pair in [S3] do not belong
	// together.
	whole := d.fills("S3", accessKey) && (d.fills("S3", inlineSecret) || d.fills("S3", secretFile))
	switch own := d.sets(u.Section, accessKey); {
	case whole && from == "S3" && own:
		d.bad(u.Section, accessKey, u.AccessKey, "is half a pair: set "+inlineSecret+" in this section, too")
	case whole && from != "S3" && !own:
		d.bad(u.Section, secretKey, mask, "is half a pair: set "+accessKey+" in this section, too")
	default:
		d.pair(half{u.home(d, accessKey), accessKey, u.AccessKey != ""}, half{from, secretKey, u.SecretKey != ""})
	}
}

// chooseSecret sets SecretKey from the value or the file that the section named from has, and
// SecretKeyFile if it is the file. It returns the key that it used, and false after a mistake.
func (u *Upload) chooseSecret(d *decoder, from string) (key string, ok bool) {
	path := u.SecretKeyFile
	u.SecretKeyFile = ""
	switch {
	case d.fills(from, inlineSecret) && d.fills(from, secretFile):
		d.bad(from, secretFile, shownPath(path.Reveal()), "is set beside "+inlineSecret+": remove one of the two")
		return "", false
	case d.fills(from, secretFile):
		var want string
		if u.SecretKey, want = readSecret(path.Reveal()); want != "" {
			d.bad(from, secretFile, shownPath(path.Reveal()), want)
			return "", false
		}
		u.SecretKeyFile = path
		return secretFile, true
	case !d.sets(from, inlineSecret):
		u.SecretKey = "" // an empty file name removes what [S3] has
	}
	return inlineSecret, true
}

// ReadSecretKey reads the secret again: its file may have changed.
func (u Upload) ReadSecretKey() (string, error) {
	secret, want := readSecret(u.SecretKeyFile.Reveal())
	if want != "" {
		return "", errors.New("aws_secret_key_file " + want)
	}
	return secret.Reveal(), nil
}

// awsSecret matches secrets as AWS makes them.
var awsSecret = regexp.MustCompile(`^[A-Za-z0-9/+]{40}$`)

// shownPath returns the path of a file that holds a secret, as messages show it. It hides what may
// be the secret itself, put there by mistake.
func shownPath(path string) string {
	if !filepath.IsAbs(path) || awsSecret.MatchString(path) {
		return mask
	}
	return path
}

// readSecret reads a file that holds a secret. What it returns as wrong never names the file: see
// shownPath.
func readSecret(path string) (content Secret, want string) {
	raw, err := readFile(path, maxSecretFile)
	if err != nil {
		var pathError *fs.PathError
		if errors.As(err, &pathError) {
			err = pathError.Err
		}
		return "", "must be the path of a readable file: " + err.Error()
	}
	content = Secret(strings.TrimSpace(string(raw)))
	if len(raw) > maxSecretFile || content == "" || strings.ContainsFunc(content.Reveal(), control) {
		return "", "must be the path of a file that holds the secret and nothing else"
	}
	return content, ""
}
