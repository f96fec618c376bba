package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	accessKey = "AKIAIOSFODNN7EXAMPLE"
	secretKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)

// A site is where a tool works: the directory that it watches, the store, and a place of its own.
type site struct {
	root, dir string
	endpoint  string // as http://127.0.0.1:4000
	caFile    string // of the store's certificate; empty: http

	// For the daemon alone: what it has besides, with another root and its store.
	aside        aside
	slowRoot     string
	slowEndpoint string
}

func (s site) url() string { return s.endpoint + "/" + bucket }

// A tool uploads what is written below a root. command returns how it is started there.
type tool struct {
	name    string
	learns  bool     // what it asks of a stream in its first minute, it knows later
	needs   []string // programs
	command func(site) (*exec.Cmd, error)
}

// missing returns the program that is not installed, or "".
func (t tool) missing() string {
	for _, program := range t.needs {
		if _, err := exec.LookPath(program); err != nil {
			return program
		}
	}
	return ""
}

// environment returns what all tools have in theirs: nothing of this process's that could lead them
// to another store or another profile.
func (s site) environment(more ...string) []string {
	none := filepath.Join(s.dir, "none")
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"),
		"AWS_CONFIG_FILE=" + none, "AWS_SHARED_CREDENTIALS_FILE=" + none,
		"AWS_ACCESS_KEY_ID=" + accessKey, "AWS_SECRET_ACCESS_KEY=" + secretKey,
		"AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true"}
	if s.caFile != "" {
		env = append(env, "SSL_CERT_FILE="+s.caFile, "AWS_CA_BUNDLE="+s.caFile)
	}
	return append(env, more...)
}

// shell returns a command of the shell that works in the root.
func (s site) shell(script string, env ...string) (*exec.Cmd, error) {
	cmd := exec.Command("bash", "-c", script)
	cmd.Dir, cmd.Env = s.root, s.environment(env...)
	return cmd, nil
}

// rclone returns the environment of rclone. Its SDK refuses AWS_CA_BUNDLE.
func (s site) rclone() []string {
	return []string{"RCLONE_S3_PROVIDER=Other", "RCLONE_S3_ENV_AUTH=true", "RCLONE_S3_ENDPOINT=" + s.endpoint,
		"RCLONE_S3_NO_CHECK_BUCKET=true", "RCLONE_CA_CERT=" + s.caFile, "AWS_CA_BUNDLE="}
}

// sidecar returns the daemon of a binary, with its status page at an address, or none if that is
// empty. A binary that was built with a profile writes it to the file profile.
func sidecar(name, binary, backend, page, profile string) tool {
	return tool{name: name, learns: true, command: func(s site) (*exec.Cmd, error) {
		config := filepath.Join(s.dir, "config.ini")
		text := fmt.Sprintf("[Log]\nlevel = warn\n[Watcher]\nbackend = %s\n[Admin]\nlisten = %s\n"+
			"[S3]\naws_access_key = '%s'\naws_secret_key = '%s'\nendpoint = '%s'\ndefault_bucket = '%s'\n"+
			"[AmazonHLSUpload]\nwatch_dir = '%s'\n",
			backend, page, accessKey, secretKey, s.endpoint, bucket, s.root) + s.aside.sections(s)
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			return nil, err
		}
		cmd := exec.Command(binary, "run", "--config", config)
		cmd.Env = s.environment(profileVariable + "=" + profile)
		return cmd, nil
	}}
}

// theFloor is this program, as a process of its own.
func theFloor() tool {
	return tool{name: "floor", command: func(s site) (*exec.Cmd, error) {
		self, err := os.Executable()
		cmd := exec.Command(self)
		cmd.Env = append(os.Environ(), floorVariable+"="+strings.Join([]string{s.root, s.url(), s.caFile}, "\n"))
		return cmd, err
	}}
}

// peers are what people use instead.
func peers() []tool {
	return []tool{{
		name: "mc mirror --watch", needs: []string{"mc"},
		command: func(s site) (*exec.Cmd, error) {
			scheme, host, _ := strings.Cut(s.endpoint, "://")
			return s.shell("exec mc --config-dir "+s.dir+"/mc --quiet mirror --watch --overwrite "+
				"--exclude '*.tmp' . bench/"+bucket,
				"MC_HOST_bench="+scheme+"://"+accessKey+":"+secretKey+"@"+host)
		},
	}, {
		name: "inotifywait, s5cmd run", needs: []string{"inotifywait", "s5cmd"},
		command: func(s site) (*exec.Cmd, error) {
			return s.shell(inotifywait + ` --format 'cp "%w%f" "s3://` + bucket + `/%w%f"' . |
				sed -u 's,"s3://` + bucket + `/\./,"s3://` + bucket + `/,' | s5cmd --endpoint-url ` + s.endpoint + ` run`)
		},
	}, {
		name: "rclone copy, each second", needs: []string{"rclone"},
		command: func(s site) (*exec.Cmd, error) {
			return s.shell("while sleep 1; do rclone copy --update --use-server-modtime --transfers 16 . "+
				":s3:"+bucket+"; done", s.rclone()...)
		},
	}, {
		name: "lsyncd, rclone copyto", needs: []string{"lsyncd", "rclone"},
		command: func(s site) (*exec.Cmd, error) {
			// What fails would end it: a file that is gone meanwhile is enough.
			put := `"rclone copyto --no-check-dest ^source :s3:` + bucket + `/^pathname || true"`
			config := filepath.Join(s.dir, "lsyncd.lua")
			text := "settings { nodaemon = true }\nsync { { maxProcesses = 16, delay = 0, onCreate = " + put +
				", onModify = " + put + ", onMove = " + strings.ReplaceAll(strings.ReplaceAll(put,
				"^source", "^d.source"), "^pathname", "^d.pathname") + " }, exclude = { \"*.tmp\" }, source = \"" + s.root + "\" }\n"
			if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
				return nil, err
			}
			return s.shell("exec lsyncd "+config, s.rclone()...)
		},
	}, {
		name: "aws s3 sync, each second", needs: []string{"aws"},
		command: func(s site) (*exec.Cmd, error) {
			return s.shell("while sleep 1; do aws --endpoint-url " + s.endpoint +
				" s3 sync --quiet . s3://" + bucket + "; done")
		},
	}}
}

const inotifywait = `inotifywait -m -r -q -e close_write -e moved_to --exclude '\.tmp$'`
