package instrument

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// ECS asks the metadata endpoint of Amazon ECS for the task and container,
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4.html.
// Elsewhere it finds nothing and asks nobody.
func ECS() resource.Detector { return detector(detectECS) }

// EC2 asks the instance metadata service of Amazon EC2, version 2,
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html.
// Elsewhere it takes a second of the start to find nothing.
func EC2() resource.Detector {
	return detector(func(ctx context.Context) (*resource.Resource, error) {
		return detectEC2(ctx, "http://169.254.169.254")
	})
}

type detector func(context.Context) (*resource.Resource, error)

// Detect implements resource.Detector.
func (d detector) Detect(ctx context.Context) (*resource.Resource, error) { return d(ctx) }

func detectECS(ctx context.Context) (*resource.Resource, error) {
	base := env("ECS_CONTAINER_METADATA_URI_V4")
	if base == "" {
		return nil, nil
	}
	var container struct {
		ContainerARN, DockerId, Name string
	}
	var task struct {
		Cluster, TaskARN, Family, Revision, LaunchType, AvailabilityZone string
	}
	if err := getJSON(ctx, base, nil, &container); err != nil {
		return nil, err
	}
	if err := getJSON(ctx, base+"/task", nil, &task); err != nil {
		return nil, err
	}
	kvs := []attribute.KeyValue{
		semconv.CloudProviderAWS, semconv.CloudPlatformAWSECS,
		semconv.AWSECSContainerARN(container.ContainerARN), semconv.ContainerID(container.DockerId), semconv.ContainerName(container.Name),
		semconv.AWSECSTaskARN(task.TaskARN), semconv.AWSECSTaskFamily(task.Family), semconv.AWSECSTaskRevision(task.Revision),
		semconv.AWSECSLaunchtypeKey.String(strings.ToLower(task.LaunchType)), semconv.CloudAvailabilityZone(task.AvailabilityZone),
		semconv.CloudResourceID(container.ContainerARN),
	}
	// arn:aws:ecs:REGION:ACCOUNT:task/CLUSTER/ID
	if arn := strings.SplitN(task.TaskARN, ":", 6); len(arn) == 6 {
		kvs = append(kvs, semconv.CloudRegion(arn[3]), semconv.CloudAccountID(arn[4]))
		cluster := task.Cluster
		if cluster != "" && !strings.HasPrefix(cluster, "arn:") {
			cluster = strings.Join(arn[:5], ":") + ":cluster/" + cluster
		}
		kvs = append(kvs, semconv.AWSECSClusterARN(cluster))
	}
	return resource.NewWithAttributes(semconv.SchemaURL, present(kvs)...), nil
}

func detectEC2(ctx context.Context, base string) (*resource.Resource, error) {
	token, err := get(ctx, http.MethodPut, base+"/latest/api/token", http.Header{"X-Aws-Ec2-Metadata-Token-Ttl-Seconds": {"60"}})
	if err != nil {
		return nil, err
	}
	header := http.Header{"X-Aws-Ec2-Metadata-Token": {string(token)}}
	var doc struct {
		AccountID        string `json:"accountId"`
		Region           string `json:"region"`
		AvailabilityZone string `json:"availabilityZone"`
		InstanceID       string `json:"instanceId"`
		InstanceType     string `json:"instanceType"`
		ImageID          string `json:"imageId"`
	}
	if err := getJSON(ctx, base+"/latest/dynamic/instance-identity/document", header, &doc); err != nil {
		return nil, err
	}
	return resource.NewWithAttributes(semconv.SchemaURL, present([]attribute.KeyValue{
		semconv.CloudProviderAWS, semconv.CloudPlatformAWSEC2, semconv.CloudAccountID(doc.AccountID),
		semconv.CloudRegion(doc.Region), semconv.CloudAvailabilityZone(doc.AvailabilityZone),
		semconv.HostID(doc.InstanceID), semconv.HostType(doc.InstanceType), semconv.HostImageID(doc.ImageID),
	})...), nil
}

// present leaves out what nobody answered.
func present(kvs []attribute.KeyValue) []attribute.KeyValue {
	var found []attribute.KeyValue
	for _, kv := range kvs {
		if kv.Value.AsString() != "" {
			found = append(found, kv)
		}
	}
	return found
}

func getJSON(ctx context.Context, url string, header http.Header, into any) error {
	body, err := get(ctx, http.MethodGet, url, header)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("read metadata of %s: %w", url, err)
	}
	return nil
}

// get asks without a proxy: the address means something on this machine only.
func get(ctx context.Context, method, url string, header http.Header) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return nil, fmt.Errorf("ask for metadata: %w", err)
	}
	if header != nil {
		req.Header = header
	}
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		return nil, fmt.Errorf("ask for metadata: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("ask for metadata: %s answered %s", url, resp.Status)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return nil, fmt.Errorf("ask for metadata: read answer of %s: %w", url, err)
	}
	return body, nil
}
