package config

import (
	"errors"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
)

// checkCredentials decides where the secret comes from. A section has it as a value or in a file.
// Its own secret, in either form, wins over that of [S3].
func (u *Upload) checkCredentials(d *decoder) {
	path := u.SecretKeyFile
	u.SecretKeyFile = ""
	const name, inline, file = "aws_access_key", "aws_secret_key", "aws_secret_key_file"

	from := "S3"
	if d.sets(u.Section, inline) || d.sets(u.Section, file) {
		from = u.Section
	}
	if d.fills(from, inline) && d.fills(from, file) {
		d.bad(from, file, shownPath(path.Reveal()), "is set beside "+inline+": remove one of the two")
		return
	}
	secretKey := inline
	if d.fills(from, file) {
		secretKey = file
		var want string
		if u.SecretKey, want = readSecret(path.Reveal()); want != "" {
			d.bad(from, file, shownPath(path.Reveal()), want)
			return
		}
		u.SecretKeyFile = path
	} else if !d.sets(from, inline) {
		u.SecretKey = "" // an empty file name removes what [S3] has
	}

	// Half a pair in this section and the other half of a whole pair in [S3] do not belong
	// together.
	whole := d.fills("S3", name) && (d.fills("S3", inline) || d.fills("S3", file))
	switch own := d.sets(u.Section, name); {
	case whole && from == "S3" && own:
		d.bad(u.Section, name, u.AccessKey, "is half a pair: set "+inline+" in this section, too")
		return
	case whole && from != "S3" && !own:
		d.bad(u.Section, secretKey, mask, "is half a pair: set "+name+" in this section, too")
		return
	}
	d.pair(half{u.home(d, name), name, u.AccessKey != ""}, half{from, secretKey, u.SecretKey != ""})
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
