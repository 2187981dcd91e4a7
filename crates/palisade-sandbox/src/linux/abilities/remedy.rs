//! What to do about a missing ability, for the machine at hand.

use std::{borrow::Cow, fs, path::Path};

use super::Kind;
use crate::linux::landlock::{LEAST_ABI, landlock_abi};

/// What of the machine decides which remedy fits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Host {
    /// `user.max_user_namespaces`.
    max_user_namespaces: Option<u64>,
    /// `kernel.unprivileged_userns_clone`, of Debian and Arch kernels.
    debian_switch: Option<u64>,
    /// `kernel.apparmor_restrict_unprivileged_userns`, of Ubuntu 23.10 and later.
    apparmor_switch: Option<u64>,
    /// The kernel's Landlock version, if it is switched on.
    landlock: Option<u32>,
    /// Whether this is a container.
    container: bool,
}

impl Host {
    pub(super) fn read() -> Self {
        let number = |path: &str| fs::read_to_string(path).ok()?.trim().parse().ok();
        Self {
            max_user_namespaces: number("/proc/sys/user/max_user_namespaces"),
            debian_switch: number("/proc/sys/kernel/unprivileged_userns_clone"),
            apparmor_switch: number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"),
            landlock: landlock_abi(),
            container: Path::new("/.dockerenv").exists()
                || Path::new("/run/.containerenv").exists(),
        }
    }
}

pub(super) fn of(kind: Kind, host: &Host) -> Cow<'static, str> {
    match kind {
        Kind::UserNamespace => user_namespace(host),
        Kind::MountNamespace | Kind::PidNamespace | Kind::NetworkNamespace => {
            if host.container {
                "This is a container whose system call filter refuses new namespaces. Start it \
                 with `--security-opt seccomp=unconfined` (Docker, Podman), or run Palisade on the \
                 host."
                    .into()
            } else {
                "If user namespaces work, the kernel was built without this one: use your \
                 distribution's standard kernel. Else mend `user-namespace` first."
                    .into()
            }
        }
        Kind::MountApi => "Use Linux 5.12 or later; in a container, a runtime whose filter knows \
                           the mount calls of Linux 5.2 (`--security-opt seccomp=unconfined`)."
            .into(),
        Kind::ProcMount => "The kernel lets a fresh `/proc` be mounted only where the present one \
                            is not partly covered. In a container: `--security-opt \
                            systempaths=unconfined` (Docker) or `--security-opt unmask=ALL` (Podman)."
            .into(),
        Kind::AnyIp => "The kernel must route to loopback (CONFIG_INET). Use your distribution's \
                        standard kernel."
            .into(),
        Kind::Nftables => "The kernel needs nf_tables with NAT, redirect, reject and conntrack for \
                           `inet` (CONFIG_NF_TABLES_INET, CONFIG_NFT_NAT, CONFIG_NFT_REDIR, \
                           CONFIG_NFT_REJECT, CONFIG_NFT_CT). They may be modules not yet loaded: \
                           `sudo modprobe -a nf_tables nft_nat nft_redir nft_reject_inet nft_ct \
                           nft_chain_nat`, and list \
                           them in `/etc/modules-load.d/palisade.conf`."
            .into(),
        Kind::Ipv6 => "Nothing, if you do not need IPv6: the sandbox gets IPv4. Else start the \
                       kernel without `ipv6.disable=1`."
            .into(),
        Kind::Landlock if host.landlock.is_some_and(|version| version < LEAST_ABI) => {
            "Use Linux 6.2 or later. Debian 12 (6.1) has one in its backports: `sudo apt install -t \
             bookworm-backports linux-image-amd64`; Ubuntu 22.04 (5.15): `sudo apt install \
             linux-generic-hwe-22.04`. Start anew then. With this one `--allow-degraded landlock` keeps \
             the rules that it has: what version 2 cannot refuse (to shorten a file), \
             the mount tree alone does."
                .into()
        }
        Kind::Landlock => "Use Linux 6.2 or later, with Landlock switched on: `landlock` must be \
                           in the list of `/sys/kernel/security/lsm`. If it is not, add \
                           `lsm=landlock,` and the present list to the kernel's command line \
                           (GRUB: `GRUB_CMDLINE_LINUX` in `/etc/default/grub`, then \
                           `sudo update-grub`, or `grub2-mkconfig` on Fedora) and start anew."
            .into(),
        Kind::Seccomp => "The kernel must have seccomp filters (CONFIG_SECCOMP_FILTER, Linux \
                          4.14). Use your distribution's standard kernel."
            .into(),
        Kind::SeccompListener => "System calls are refused all the same, and leave no event in the \
                                  journal. Use Linux 5.19 or later; in a container, one whose \
                                  runtime does not listen itself (LXD: `security.syscalls.\
                                  intercept.*` switched off)."
            .into(),
        Kind::Supervisor => "The supervisor could not give up its own rights, and reads nothing of an \
                             agent's with them. In a container, let it change its own capabilities \
                             and filter (`--security-opt seccomp=unconfined`); else report this."
            .into(),
        Kind::AuditRecords => "Files that Landlock refuses are refused all the same, and leave no event \
                               in the journal. To have those of root's sandboxes there: Linux 6.15 \
                               or later, `sudo auditctl -e 1` (or `audit=1` on the kernel's command \
                               line), no audit daemon, and not in a container."
            .into(),
        Kind::Pidfd => "Use Linux 5.4 or later.".into(),
        Kind::CloseRange => "Use Linux 5.11 or later; in a container, a newer runtime.".into(),
        Kind::Openat2 => "Use Linux 5.6 or later; in a container, a newer runtime.".into(),
        Kind::Memfd => "Use your distribution's standard kernel (CONFIG_MEMFD_CREATE).".into(),
        Kind::Overlay => "`workspace: overlay` is not possible here. Use Linux 5.13 or later with \
                          overlayfs (`sudo modprobe overlay`)."
            .into(),
        Kind::IdmappedMount => "Root's sandboxes cannot map the owner of files that lie on this \
                                file system. Use a workspace on ext4, xfs, btrfs or tmpfs, or run \
                                Palisade as the owner of the workspace."
            .into(),
        Kind::CgroupV2 => "Limits of memory and processors are held more weakly. As an ordinary \
                           user, start from a session of systemd (log in, or `sudo loginctl \
                           enable-linger $USER`): it makes a control group when asked. Where \
                           cgroup v1 is mounted, boot with \
                           `systemd.unified_cgroup_hierarchy=1`."
            .into(),
        Kind::CgroupV1 => "Nothing where cgroup v2 works. Else run as root, who alone may make \
                           groups of version 1."
            .into(),
    }
}

fn user_namespace(host: &Host) -> Cow<'static, str> {
    if host.max_user_namespaces == Some(0) {
        return "User namespaces are switched off. Switch them on: `sudo sysctl -w \
                user.max_user_namespaces=15000`, and for good in `/etc/sysctl.d/99-palisade.conf` \
                (usual on RHEL and CentOS 7, and on hardened systems)."
            .into();
    }
    if host.debian_switch == Some(0) {
        return "User namespaces are for root only. Open them: `sudo sysctl -w \
                kernel.unprivileged_userns_clone=1`, and for good in \
                `/etc/sysctl.d/99-palisade.conf` (Debian 10 and before, Arch's hardened kernel)."
            .into();
    }
    if host.apparmor_switch.is_some_and(|value| value != 0) {
        return "AppArmor denies capabilities in user namespaces (Ubuntu 23.10 and later). Allow \
                them for this program alone: write `abi <abi/4.0>, profile palisade \
                /usr/bin/palisade flags=(unconfined) { userns, }` (with the program's own path) to \
                `/etc/apparmor.d/palisade` and run `sudo apparmor_parser -r \
                /etc/apparmor.d/palisade`. Or for all programs: `sudo sysctl -w \
                kernel.apparmor_restrict_unprivileged_userns=0`."
            .into();
    }
    if host.container {
        return "This is a container whose system call filter refuses new namespaces. Start it with \
                `--security-opt seccomp=unconfined` (Docker, Podman), or run Palisade on the host."
            .into();
    }
    "The kernel must have user namespaces (CONFIG_USER_NS) and no security module may refuse \
     them: use your distribution's standard kernel and see `dmesg` for a denial."
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_landlock_that_is_too_old_is_told_from_one_that_is_off() {
        let text =
            |landlock| of(Kind::Landlock, &Host { landlock, ..Host::default() }).into_owned();
        for old in [1, LEAST_ABI - 1] {
            assert!(text(Some(old)).contains("bookworm-backports"));
            assert!(!text(Some(old)).contains("lsm="));
        }
        assert!(text(None).contains("lsm=landlock"));
        assert!(!text(Some(LEAST_ABI)).contains("backports"));
    }

    #[test]
    fn the_switch_that_is_off_is_named() {
        let text = |host: Host| of(Kind::UserNamespace, &host).into_owned();
        let zero = Some(0);
        assert!(
            text(Host { max_user_namespaces: zero, ..Host::default() })
                .contains("user.max_user_namespaces")
        );
        assert!(
            text(Host { debian_switch: zero, ..Host::default() })
                .contains("unprivileged_userns_clone=1")
        );
        assert!(text(Host { apparmor_switch: Some(1), ..Host::default() }).contains("apparmor.d"));
        assert!(text(Host { container: true, ..Host::default() }).contains("seccomp=unconfined"));
        assert!(text(Host { apparmor_switch: zero, ..Host::default() }).contains("CONFIG_USER_NS"));
    }
}
