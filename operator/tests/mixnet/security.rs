use k8s_openapi::api::core::v1::PodSpec;

use crate::{containers, objects, pod, spec, unique};

fn everywhere() -> Vec<(String, PodSpec)> {
    let specs = ["{}", "{storage: {size: 1Gi}, tracing: {otlp: 'http://jaeger:4317'}}"];
    let children = specs.into_iter().flat_map(|yaml| objects(spec(yaml)));
    let pods: Vec<_> =
        children.filter_map(|child| Some((child.name().to_owned(), pod(&child)?.0))).collect();
    assert_eq!(pods.len(), 14, "directory, five sets and miner, twice");
    pods
}

/// The rules of the restricted Pod Security Standard, each by its name there.
#[test]
fn every_pod_keeps_to_the_restricted_standard() {
    for (name, pod) in everywhere() {
        assert!(pod.host_network.is_none() && pod.host_pid.is_none() && pod.host_ipc.is_none());
        let context = pod.security_context.as_ref().expect("a security context");
        assert_eq!(context.run_as_non_root, Some(true), "{name}: Running as Non-root");
        assert!(context.run_as_user.is_some_and(|user| user > 0), "{name}: user");
        let seccomp = context.seccomp_profile.as_ref().map(|profile| profile.type_.as_str());
        assert_eq!(seccomp, Some("RuntimeDefault"), "{name}: Seccomp");
        assert!(context.sysctls.is_none(), "{name}: Sysctls");
        for volume in pod.volumes.iter().flatten() {
            let allowed = volume.secret.is_some()
                || volume.config_map.is_some()
                || volume.projected.is_some()
                || volume.empty_dir.is_some();
            assert!(allowed && volume.host_path.is_none(), "{name}: Volume Types");
        }
        for container in containers(&pod) {
            let name = format!("{name} {}", container.name);
            let context = container.security_context.as_ref().expect("a security context");
            assert_eq!(context.allow_privilege_escalation, Some(false), "{name}");
            assert!(context.privileged.is_none() && context.run_as_user.is_none(), "{name}");
            let capabilities = context.capabilities.as_ref().expect("capabilities");
            assert_eq!(capabilities.drop, Some(vec!["ALL".to_owned()]), "{name}: Capabilities");
            assert!(capabilities.add.is_none(), "{name}: Capabilities");
            assert_eq!(context.read_only_root_filesystem, Some(true), "{name}");
            let host_ports = container.ports.iter().flatten().any(|port| port.host_port.is_some());
            assert!(!host_ports, "{name}: Host Ports");
        }
    }
}

#[test]
fn only_the_directory_has_an_account() {
    for (name, pod) in everywhere() {
        let account = (name == "net-directory").then(|| unique("net-directory"));
        assert_eq!(pod.service_account_name, account, "{name}");
        assert_eq!(pod.automount_service_account_token, Some(false), "{name}");
        let tokens = pod.volumes.iter().flatten().filter(|volume| volume.projected.is_some());
        assert_eq!(tokens.count(), usize::from(account.is_some()), "{name}");
        assert_eq!(pod.enable_service_links, Some(false), "{name}: variables after Services");
    }
}

#[test]
fn every_container_is_probed_and_bounded() {
    for (name, pod) in everywhere() {
        for container in containers(&pod) {
            let name = format!("{name} {}", container.name);
            let ports: Vec<_> = container.ports.iter().flatten().collect();
            for probe in
                [&container.startup_probe, &container.readiness_probe, &container.liveness_probe]
            {
                let probe = probe.as_ref().and_then(|probe| probe.http_get.as_ref());
                let probe = probe.unwrap_or_else(|| panic!("{name} has three probes"));
                let known = ports.iter().any(|port| {
                    let name = port.name.clone().unwrap_or_default();
                    probe.port
                        == k8s_openapi::apimachinery::pkg::util::intstr::IntOrString::String(name)
                });
                assert!(known, "{name}: a probe asks a port that it has");
            }
            let resources = container.resources.as_ref().expect("resources");
            let has = |map: &Option<std::collections::BTreeMap<_, _>>, name: &str| {
                map.as_ref().is_some_and(|map| map.contains_key(name))
            };
            assert!(has(&resources.requests, "cpu") && has(&resources.requests, "memory"));
            assert!(has(&resources.limits, "memory"), "{name} is bounded");
        }
    }
}

#[test]
fn every_mount_has_its_volume() {
    for child in ["{}", "{storage: {}}"].into_iter().flat_map(|yaml| objects(spec(yaml))) {
        let Some((pod, _)) = pod(&child) else { continue };
        let claims = child.object.data.pointer("/spec/volumeClaimTemplates");
        let claims = claims.and_then(|claims| claims.as_array()).cloned().unwrap_or_default();
        let claims = claims.iter().filter_map(|claim| claim.pointer("/metadata/name")?.as_str());
        let volumes = pod.volumes.iter().flatten().map(|volume| volume.name.as_str());
        let mut there: Vec<_> = volumes.chain(claims).collect();
        there.sort_unstable();
        let mounts =
            containers(&pod).flat_map(|container| container.volume_mounts.iter().flatten());
        let mut used: Vec<_> = mounts.map(|mount| mount.name.as_str()).collect();
        used.sort_unstable();
        used.dedup();
        assert_eq!(used, there, "{}", child.name());
    }
}
