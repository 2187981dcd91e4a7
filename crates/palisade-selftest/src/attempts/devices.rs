//! Devices. None is opened: to open one may do something already.

use std::{collections::BTreeSet, fs};

use palisade_core::Layer;
use rustix::io::Errno;

use crate::{
    Targets,
    attempt::{Act, Answers, Attempt, Outcome, Place, tell},
};

/// All that a sandbox's `/dev` has.
const KNOWN: [&str; 13] = [
    "fd", "full", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout", "tty",
    "urandom", "zero",
];

const NO_RIGHT: Answers = &[(Errno::ACCESS, "no right to list it")];

const fn finds(name: &'static str, tries: &'static str, path: &'static str) -> Attempt {
    Attempt { name, tries, layer: Layer::Files, act: Act::Find(Place::At(path)) }
}

pub(super) static ATTEMPTS: &[Attempt] = &[
    Attempt {
        name: "lists_devices",
        tries: "find a device beyond the few",
        layer: Layer::Files,
        act: Act::Do(list),
    },
    finds("finds_memory_device", "find the machine's memory", "/dev/mem"),
    finds("finds_port_device", "find the machine's ports", "/dev/port"),
    finds("finds_kernel_log_device", "find the kernel's log", "/dev/kmsg"),
    finds("finds_console", "find the console", "/dev/console"),
    finds("finds_virtual_terminal", "find a virtual terminal", "/dev/tty0"),
    finds("finds_first_terminal", "find the first terminal", "/dev/tty1"),
    finds("finds_terminal_memory", "find a terminal's screen", "/dev/vcs"),
    finds("finds_fuse", "find FUSE", "/dev/fuse"),
    finds("finds_cuse", "find CUSE", "/dev/cuse"),
    finds("finds_kvm", "find KVM", "/dev/kvm"),
    finds("finds_vhost_net", "find vhost", "/dev/vhost-net"),
    finds("finds_vsock_device", "find vsock", "/dev/vsock"),
    finds("finds_tun", "find TUN", "/dev/net/tun"),
    finds("finds_ppp", "find PPP", "/dev/ppp"),
    finds("finds_loop_control", "find loop devices", "/dev/loop-control"),
    finds("finds_loop_device", "find a loop device", "/dev/loop0"),
    finds("finds_device_mapper", "find the device mapper", "/dev/mapper/control"),
    finds("finds_btrfs_control", "find btrfs", "/dev/btrfs-control"),
    finds("finds_first_disk", "find the first disk", "/dev/sda"),
    finds("finds_virtual_disk", "find a virtual disk", "/dev/vda"),
    finds("finds_nvme_disk", "find an NVMe disk", "/dev/nvme0n1"),
    finds("finds_user_input", "find user input", "/dev/uinput"),
    finds("finds_input_devices", "find input devices", "/dev/input"),
    finds("finds_graphics", "find graphics", "/dev/dri"),
    finds("finds_sound", "find sound", "/dev/snd"),
    finds("finds_usb_devices", "find USB devices", "/dev/bus/usb"),
    finds("finds_userfaultfd_device", "find userfaultfd", "/dev/userfaultfd"),
    finds("finds_watchdog", "find the watchdog", "/dev/watchdog"),
    finds("finds_rtc", "find the clock", "/dev/rtc0"),
    finds("finds_hpet", "find the timer", "/dev/hpet"),
    finds("finds_tpm", "find the TPM", "/dev/tpm0"),
    finds("finds_registers", "find the processor's registers", "/dev/cpu"),
    finds("finds_message_queues", "find the host's message queues", "/dev/mqueue"),
    finds("finds_log_socket", "find the system's log", "/dev/log"),
];

fn list(_: &Targets) -> Option<Outcome> {
    let listed = match fs::read_dir("/dev") {
        Ok(listed) => listed.flatten(),
        Err(error) => return Some(tell(Err::<(), _>(error), NO_RIGHT, |()| String::new())),
    };
    let names: BTreeSet<String> =
        listed.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    let more: Vec<_> = names.iter().filter(|name| !KNOWN.contains(&name.as_str())).collect();
    Some(match more.len() {
        0 => Outcome::Stopped(format!("there are {}, and no others", names.len())),
        count => Outcome::Worked(format!("there are {count} more")),
    })
}
