// Package packages_test holds the recipes of deploy/, which no program of this module runs, against
// what they must say. The module also pins the tools that build packages and releases.
package packages_test

import (
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// A container is what sidecar.yaml uses of a container. What is not here is a mistake.
type container struct {
	Name            string
	Image           string
	RestartPolicy   string `yaml:"restartPolicy"`
	Args            []string
	SecurityContext struct {
		ReadOnlyRootFilesystem   bool  `yaml:"readOnlyRootFilesystem"`
		AllowPrivilegeEscalation *bool `yaml:"allowPrivilegeEscalation"`
		Capabilities             struct{ Drop, Add []string }
	} `yaml:"securityContext"`
	Env       []struct{ Name, Value string }
	Resources struct{ Requests, Limits map[string]string }
	Ports     []struct {
		Name          string
		ContainerPort int `yaml:"containerPort"`
	}
	StartupProbe  *probe `yaml:"startupProbe"`
	LivenessProbe *probe `yaml:"livenessProbe"`
	VolumeMounts  []struct {
		Name      string
		MountPath string `yaml:"mountPath"`
		ReadOnly  bool   `yaml:"readOnly"`
	} `yaml:"volumeMounts"`
}

type probe struct {
	Exec             struct{ Command []string }
	PeriodSeconds    int `yaml:"periodSeconds"`
	TimeoutSeconds   int `yaml:"timeoutSeconds"`
	FailureThreshold int `yaml:"failureThreshold"`
}

type podSpec struct {
	TerminationGracePeriodSeconds int   `yaml:"terminationGracePeriodSeconds"`
	AutomountServiceAccountToken  *bool `yaml:"automountServiceAccountToken"`
	SecurityContext               struct {
		RunAsNonRoot   bool                  `yaml:"runAsNonRoot"`
		RunAsUser      int                   `yaml:"runAsUser"`
		RunAsGroup     int                   `yaml:"runAsGroup"`
		FSGroup        int                   `yaml:"fsGroup"`
		SeccompProfile struct{ Type string } `yaml:"seccompProfile"`
	} `yaml:"securityContext"`
	InitContainers []container `yaml:"initContainers"`
	Containers     []container
	Volumes        []struct {
		Name     string
		EmptyDir *struct {
			SizeLimit string `yaml:"sizeLimit"`
		} `yaml:"emptyDir"`
		ConfigMap *struct{ Name string } `yaml:"configMap"`
		Secret    *struct {
			SecretName  string `yaml:"secretName"`
			DefaultMode int    `yaml:"defaultMode"`
		}
	}
}

type object struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   struct {
		Name   string
		Labels map[string]string
	}
	Data map[string]string // of a ConfigMap
	Spec struct {          // of a StatefulSet
		ServiceName string `yaml:"serviceName"`
		Replicas    int
		Selector    struct {
			MatchLabels map[string]string `yaml:"matchLabels"`
		}
		Template struct {
			Metadata struct{ Labels map[string]string }
			Spec     podSpec
		}
	}
}

// sidecar returns the objects of sidecar.yaml by their kind.
func sidecar(t *testing.T) map[string]object {
	t.Helper()
	f, err := os.Open("../../deploy/kubernetes/sidecar.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	decoder := yaml.NewDecoder(f)
	decoder.KnownFields(true)
	objects := map[string]object{}
	for {
		var o object
		if err := decoder.Decode(&o); errors.Is(err, io.EOF) {
			return objects
		} else if err != nil {
			t.Fatal(err)
		}
		objects[o.APIVersion+" "+o.Kind] = o
	}
}

func TestPodKeepsWhatItsReadmeSays(t *testing.T) {
	objects := sidecar(t)
	set, config := objects["apps/v1 StatefulSet"], objects["v1 ConfigMap"]
	pod := set.Spec.Template.Spec
	if len(objects) != 2 || len(pod.InitContainers) != 1 || len(pod.Containers) != 1 {
		t.Fatalf("%d objects, %d init containers, %d containers", len(objects), len(pod.InitContainers), len(pod.Containers))
	}
	daemon, server := pod.InitContainers[0], pod.Containers[0]
	for what, holds := range map[string]bool{
		"the labels select the pod":      set.Spec.Selector.MatchLabels["app"] == set.Spec.Template.Metadata.Labels["app"],
		"a native sidecar":               daemon.RestartPolicy == "Always" && server.RestartPolicy == "",
		"one user, not root":             pod.SecurityContext.RunAsNonRoot && pod.SecurityContext.RunAsUser > 0,
		"its group owns the volume":      pod.SecurityContext.FSGroup == pod.SecurityContext.RunAsGroup,
		"a root that is read-only":       daemon.SecurityContext.ReadOnlyRootFilesystem,
		"no capability":                  slices.Equal(daemon.SecurityContext.Capabilities.Drop, []string{"ALL"}) && daemon.SecurityContext.Capabilities.Add == nil,
		"no privileges to gain":          !*daemon.SecurityContext.AllowPrivilegeEscalation && !*pod.AutomountServiceAccountToken,
		"time for the drain and 15 s":    pod.TerminationGracePeriodSeconds >= 20+15,
		"the start is waited for":        daemon.StartupProbe.PeriodSeconds*daemon.StartupProbe.FailureThreshold >= 30,
		"the config is the command's":    strings.Contains(config.Data["config.ini"], "watch_dir = /media\n"),
		"no secret is in the config map": !strings.Contains(config.Data["config.ini"], "aws_secret_key ="),
	} {
		if !holds {
			t.Errorf("does not hold: %s", what)
		}
	}
	for _, p := range []*probe{daemon.StartupProbe, daemon.LivenessProbe} {
		if got := strings.Join(p.Exec.Command, " "); got != "/usr/bin/ems-sidecar health" {
			t.Errorf("the probe runs %q", got)
		}
	}
	volumes := map[string]bool{}
	for _, v := range pod.Volumes {
		volumes[v.Name] = true
		if v.Name == "media" && v.EmptyDir == nil {
			t.Error("the media volume is no emptyDir")
		}
		if v.ConfigMap != nil && v.ConfigMap.Name != config.Metadata.Name {
			t.Errorf("the config map is %s, not %s", config.Metadata.Name, v.ConfigMap.Name)
		}
	}
	for _, c := range []container{daemon, server} {
		media := 0
		for _, m := range c.VolumeMounts {
			if !volumes[m.Name] {
				t.Errorf("%s mounts %s, which is no volume", c.Name, m.Name)
			}
			if m.Name == "media" && m.MountPath == "/media" && !m.ReadOnly {
				media++
			}
		}
		if media != 1 {
			t.Errorf("%s mounts the media %d times", c.Name, media)
		}
	}
}
