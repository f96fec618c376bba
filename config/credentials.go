package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// checkCredentials settles from where the secret comes: each section may have it in one of two ways,
// and its own wins over [S3]'s either way.
func (u *Upload) checkCredentials(d *decoder) {
	path := u.SecretKeyFile
	u.SecretKeyFile = ""
	const name, inline, file = "aws_access_key", "aws_secret_key", "aws_secret_key_file"

	from := "S3"
	if d.sets(u.Section, inline) || d.sets(u.Section, file) {
		from = u.Section
	}
	if d.fills(from, inline) && d.fills(from, file) {
		d.bad(from, file, shownPath(path.Reveal()), "cannot stand beside "+inline+": remove one of the two")
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
		u.SecretKey = "" // an empty file name takes back what [S3] has
	}

	// One half from here and one from a whole pair in [S3] do not belong together.
	if s3 := d.fills("S3", name) && (d.fills("S3", inline) || d.fills("S3", file)); s3 && from == "S3" && d.sets(u.Section, name) {
		d.bad(u.Section, name, u.AccessKey, "is half a pair: set "+inline+" in this section, too")
		return
	} else if s3 && from != "S3" && !d.sets(u.Section, name) {
		d.bad(u.Section, secretKey, mask, "is half a pair: set "+name+" in this section, too")
		return
	}
	d.pair(half{u.home(d, name), name, u.AccessKey != ""}, half{from, secretKey, u.SecretKey != ""})
}

// ReadSecretKey reads the file that holds the secret again, which may have been changed since.
func (u Upload) ReadSecretKey() (string, error) {
	secret, want := readSecret(u.SecretKeyFile.Reveal())
	if want != "" {
		return "", errors.New("aws_secret_key_file " + want)
	}
	return secret.Reveal(), nil
}

// awsSecret is the form of a secret of AWS.
var awsSecret = regexp.MustCompile(`^[A-Za-z0-9/+]{40}$`)

// shownPath returns the path of a file that holds a secret as a message may have it. Somebody may have put the
// secret itself there.
func shownPath(path string) string {
	if !filepath.IsAbs(path) || awsSecret.MatchString(path) {
		return mask
	}
	return path
}

// readSecret never names the file.
func readSecret(path string) (content Secret, want string) {
	raw, err := os.ReadFile(path)
	if err != nil {
		var pathError *fs.PathError
		if errors.As(err, &pathError) {
			err = pathError.Err
		}
		return "", "must be the path of a readable file: " + err.Error()
	}
	content = Secret(strings.TrimSpace(string(raw)))
	if content == "" || strings.ContainsFunc(content.Reveal(), control) {
		return "", "must be the path of a file that holds the secret and nothing else"
	}
	return content, ""
}
