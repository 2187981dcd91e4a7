//! A plan on its way to the init that was forked before it was made: bytes in a memory file, and
//! descriptors beside it.

use std::{
    ffi::OsString,
    fs::File,
    io::{Read, Seek, Write},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::{OsStrExt, OsStringExt},
    },
    path::PathBuf,
};

use rustix::{
    fs::{MemfdFlags, memfd_create},
    io::Errno,
};

use super::{
    control::{Control, MOST_DESCRIPTORS, Message},
    mounts::{Detached, DetachedTrees},
    seccomp::Filter,
};
use crate::{
    plan::{
        Command, Content, Generated, GeneratedFolder, GeneratedKind, HostObject, Mount, Overlay,
        Plan, Stdio, There,
    },
    step::{Step, StepError},
};

/// Send a plan, and the trees that the supervisor made for it.
pub(crate) fn send(control: &Control, plan: &Plan, trees: &DetachedTrees) -> Result<(), StepError> {
    const STEP: &str = "hand the plan to init";
    let mut file = File::from(memfd_create(c"plan", MemfdFlags::CLOEXEC).step(STEP)?);
    file.write_all(&encode(plan)).and_then(|()| file.rewind()).map_err(errno).step(STEP)?;
    let mut descriptors = vec![file.as_fd()];
    descriptors.extend(plan.stdio.iter().filter_map(|stream| match stream {
        Stdio::Given(descriptor) => Some(descriptor.as_fd()),
        Stdio::Terminal => None,
    }));
    control.send_with(&Message::Plan, &descriptors).step(STEP)?;
    let trees: Vec<BorrowedFd<'_>> = trees
        .iter()
        .flatten()
        .flat_map(|detached| match detached {
            Detached::Object(tree) => vec![tree.as_fd()],
            Detached::Layers { lower, layers } => vec![lower.as_fd(), layers.as_fd()],
        })
        .collect();
    for some in trees.chunks(MOST_DESCRIPTORS) {
        control.send_with(&Message::Trees, some).step("hand the mounts to init")?;
    }
    Ok(())
}

/// Take a plan that begins with these descriptors. `detached`: the supervisor made the trees.
pub(crate) fn receive(
    control: &Control,
    descriptors: Vec<OwnedFd>,
    detached: bool,
) -> Result<(Plan, DetachedTrees), StepError> {
    const STEP: &str = "read the plan";
    let mut descriptors = descriptors.into_iter();
    let file = descriptors.next().ok_or(Errno::BADF).step(STEP)?;
    let mut bytes = Vec::new();
    File::from(file).read_to_end(&mut bytes).map_err(errno).step(STEP)?;
    let plan = decode(&bytes, &mut descriptors).ok_or(Errno::PROTO).step(STEP)?;
    let mut trees = Vec::new().into_iter();
    let mut tree = || -> Result<OwnedFd, StepError> {
        if let Some(tree) = trees.next() {
            return Ok(tree);
        }
        match control.receive().step("hear from the supervisor")? {
            Some((Message::Trees, more)) => trees = more.into_iter(),
            _ => return Err(Errno::PROTO).step("receive the mounts"),
        }
        trees.next().ok_or(Errno::BADF).step("receive the mounts")
    };
    let mut all = DetachedTrees::new();
    for mount in &plan.mounts {
        all.push(match &mount.content {
            Content::Host(_) if detached => Some(Detached::Object(tree()?)),
            Content::Overlay(_) if detached => {
                Some(Detached::Layers { lower: tree()?, layers: tree()? })
            }
            _ => None,
        });
    }
    Ok((plan, all))
}

fn encode(plan: &Plan) -> Vec<u8> {
    // All of it by name, so that what is added to a plan is not forgotten here.
    let Plan {
        hostname,
        mounts,
        working_directory,
        command: Command { candidates, argv },
        environment,
        filter,
        pinned_filter,
        stdio,
        tell_audit,
        covers_later,
    } = plan;
    let mut out = Writer(Vec::with_capacity(32 * 1024));
    out.bytes(hostname.as_bytes());
    out.list(mounts, |out, Mount { at, content }| {
        out.bytes(at.as_os_str().as_bytes());
        out.content(content);
    });
    out.bytes(working_directory.as_os_str().as_bytes());
    out.list(candidates, |out, path| out.bytes(path.as_os_str().as_bytes()));
    out.list(argv, |out, word| out.bytes(word.as_bytes()));
    out.list(environment, |out, (name, value)| {
        out.bytes(name.as_bytes());
        out.bytes(value.as_bytes());
    });
    out.bytes(&filter.to_bytes());
    out.list(pinned_filter.as_slice(), |out, filter| out.bytes(&filter.to_bytes()));
    out.list(stdio, |out, stream| out.flag(matches!(stream, Stdio::Terminal)));
    out.flag(*tell_audit);
    out.flag(*covers_later);
    out.0
}

fn decode(bytes: &[u8], given: &mut impl Iterator<Item = OwnedFd>) -> Option<Plan> {
    let mut from = Reader(bytes);
    let plan = Plan {
        hostname: String::from_utf8(from.bytes()?.to_vec()).ok()?,
        mounts: from.list(|from| Some(Mount { at: from.path()?, content: from.content()? }))?,
        working_directory: from.path()?,
        command: Command { candidates: from.list(Reader::path)?, argv: from.list(Reader::text)? },
        environment: from.list(|from| Some((from.text()?, from.text()?)))?,
        filter: Filter::from_bytes(from.bytes()?)?,
        pinned_filter: from.list(|from| Filter::from_bytes(from.bytes()?))?.pop(),
        stdio: from
            .list(|from| match from.flag()? {
                true => Some(Stdio::Terminal),
                false => given.next().map(Stdio::Given),
            })?
            .try_into()
            .ok()?,
        tell_audit: from.flag()?,
        covers_later: from.flag()?,
    };
    (from.0.is_empty() && given.next().is_none()).then_some(plan)
}

/// Numbers of eight bytes, and everything else behind its length.
struct Writer(Vec<u8>);

impl Writer {
    fn number(&mut self, number: u64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    fn flag(&mut self, flag: bool) {
        self.0.push(flag.into());
    }

    fn length(&mut self, length: usize) {
        self.number(length.try_into().unwrap_or(u64::MAX));
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    fn list<T>(&mut self, items: &[T], write: impl Fn(&mut Self, &T)) {
        self.length(items.len());
        for item in items {
            write(self, item);
        }
    }

    fn content(&mut self, content: &Content) {
        let mut tag = |tag: u8| self.0.push(tag);
        match content {
            Content::Host(object) => {
                tag(0);
                self.object(object);
            }
            Content::Overlay(Overlay { lower, layers }) => {
                tag(1);
                self.object(lower);
                self.object(layers);
            }
            Content::Scratch { mode } => {
                tag(2);
                self.number((*mode).into());
            }
            Content::Text(text) => {
                tag(3);
                self.bytes(text);
            }
            Content::Link(to) => {
                tag(4);
                self.bytes(to.as_os_str().as_bytes());
            }
            Content::EmptyFolder => tag(5),
            Content::Folder(GeneratedFolder { entries, over }) => {
                tag(9);
                self.list(entries, Self::generated);
                self.list(over.as_slice(), |out, there| out.there(*there));
            }
            Content::Socket => tag(8),
            Content::Cover(there) => {
                tag(6);
                self.there(*there);
            }
            Content::Pin { there, read_only } => {
                tag(7);
                self.there(*there);
                self.flag(*read_only);
            }
        }
    }

    fn generated(&mut self, Generated { path, what }: &Generated) {
        self.bytes(path.as_os_str().as_bytes());
        self.flag(matches!(what, GeneratedKind::Link(_)));
        match what {
            GeneratedKind::File { bytes, executable } => {
                self.bytes(bytes);
                self.flag(*executable);
            }
            GeneratedKind::Link(to) => self.bytes(to.as_os_str().as_bytes()),
        }
    }

    fn there(&mut self, There { device, inode, folder }: There) {
        self.number(device);
        self.number(inode);
        self.flag(folder);
    }

    fn object(&mut self, object: &HostObject) {
        let HostObject { path, device, inode, folder, writable, owned_by } = object;
        self.bytes(path.as_os_str().as_bytes());
        self.number(*device);
        self.number(*inode);
        self.flag(*folder);
        self.flag(*writable);
        self.list(owned_by.as_slice(), |out, (uid, gid)| {
            out.number((*uid).into());
            out.number((*gid).into());
        });
    }
}

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn number(&mut self) -> Option<u64> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*number))
    }

    fn small(&mut self) -> Option<u32> {
        self.number()?.try_into().ok()
    }

    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    fn flag(&mut self) -> Option<bool> {
        match self.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?.try_into().ok()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    fn text(&mut self) -> Option<OsString> {
        Some(OsString::from_vec(self.bytes()?.to_vec()))
    }

    fn path(&mut self) -> Option<PathBuf> {
        self.text().map(PathBuf::from)
    }

    fn list<T>(&mut self, mut read: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        (0..self.number()?).map(|_| read(self)).collect()
    }

    fn content(&mut self) -> Option<Content> {
        Some(match self.byte()? {
            0 => Content::Host(self.object()?),
            1 => Content::Overlay(Overlay { lower: self.object()?, layers: self.object()? }),
            2 => Content::Scratch { mode: self.small()? },
            3 => Content::Text(self.bytes()?.to_vec()),
            4 => Content::Link(self.path()?),
            5 => Content::EmptyFolder,
            9 => Content::Folder(GeneratedFolder {
                entries: self.list(Self::generated)?,
                over: self.list(Self::there)?.pop(),
            }),
            8 => Content::Socket,
            6 => Content::Cover(self.there()?),
            7 => Content::Pin { there: self.there()?, read_only: self.flag()? },
            _ => return None,
        })
    }

    fn generated(&mut self) -> Option<Generated> {
        let path = self.path()?;
        let what = match self.flag()? {
            true => GeneratedKind::Link(self.path()?),
            false => GeneratedKind::File { bytes: self.bytes()?.into(), executable: self.flag()? },
        };
        Some(Generated { path, what })
    }

    fn there(&mut self) -> Option<There> {
        Some(There { device: self.number()?, inode: self.number()?, folder: self.flag()? })
    }

    fn object(&mut self) -> Option<HostObject> {
        Some(HostObject {
            path: self.path()?,
            device: self.number()?,
            inode: self.number()?,
            folder: self.flag()?,
            writable: self.flag()?,
            owned_by: self.list(|from| Some((from.small()?, from.small()?)))?.pop(),
        })
    }
}

fn errno(error: std::io::Error) -> Errno {
    Errno::from_io_error(&error).unwrap_or(Errno::IO)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linux::seccomp::SyscallPolicy;

    fn given() -> Stdio {
        Stdio::Given(File::open("/dev/null").unwrap().into())
    }

    fn plan() -> Plan {
        let object = |owned_by: Option<(u32, u32)>| HostObject {
            path: OsString::from_vec(vec![b'/', 0xff, b'\n']).into(),
            device: u64::MAX,
            inode: 7,
            folder: true,
            writable: owned_by.is_none(),
            owned_by,
        };
        let there = There { device: 3, inode: u64::MAX, folder: true };
        let contents = [
            Content::Host(object(None)),
            Content::Overlay(Overlay { lower: object(Some((1, u32::MAX))), layers: object(None) }),
            Content::Scratch { mode: 0o1777 },
            Content::Text(b"a\0b".to_vec()),
            Content::Link("../x".into()),
            Content::EmptyFolder,
            Content::Folder(GeneratedFolder {
                entries: vec![
                    Generated {
                        path: "a/b".into(),
                        what: GeneratedKind::File { bytes: b"x"[..].into(), executable: true },
                    },
                    Generated { path: "c".into(), what: GeneratedKind::Link("a/b".into()) },
                ],
                over: Some(there),
            }),
            Content::Socket,
            Content::Cover(there),
            Content::Pin { there, read_only: true },
        ];
        let mount = |(index, content)| Mount { at: format!("/{index}").into(), content };
        let filter = Filter::compile(&SyscallPolicy::default()).unwrap();
        Plan {
            hostname: "host".into(),
            mounts: contents.into_iter().enumerate().map(mount).collect(),
            working_directory: "/work".into(),
            command: Command { candidates: vec!["/bin/a".into()], argv: vec!["".into()] },
            environment: vec![("A".into(), OsString::from_vec(vec![0xfe]))],
            filter: filter.clone(),
            pinned_filter: Some(filter),
            stdio: [given(), Stdio::Terminal, given()],
            tell_audit: true,
            covers_later: true,
        }
    }

    #[test]
    fn a_plan_and_its_trees_arrive_as_they_were() {
        let plan = plan();
        let tree = || OwnedFd::from(File::open("/").unwrap());
        let mut trees: DetachedTrees = plan.mounts.iter().map(|_| None).collect();
        trees[0] = Some(Detached::Object(tree()));
        trees[1] = Some(Detached::Layers { lower: tree(), layers: tree() });
        let (here, there) = Control::pair().unwrap();
        send(&here, &plan, &trees).unwrap();
        let (message, descriptors) = there.receive().unwrap().unwrap();
        assert_eq!((message, descriptors.len()), (Message::Plan, 3));
        let (read, received) = receive(&there, descriptors, true).unwrap();
        assert_eq!(encode(&read), encode(&plan));
        assert_eq!(read.mounts, plan.mounts);
        assert!(matches!(received[1], Some(Detached::Layers { .. })) && received[2].is_none());
        assert!(matches!(read.stdio, [Stdio::Given(_), Stdio::Terminal, Stdio::Given(_)]));
    }

    #[test]
    fn more_trees_than_fit_into_a_message_arrive() {
        let mut plan = plan();
        let one = plan.mounts[0].clone();
        plan.mounts = vec![one; 2 * MOST_DESCRIPTORS + 1];
        let tree = OwnedFd::from(File::open("/").unwrap());
        let copy = |_| Some(Detached::Object(tree.try_clone().unwrap()));
        let trees: DetachedTrees = plan.mounts.iter().map(copy).collect();
        let (here, there) = Control::pair().unwrap();
        send(&here, &plan, &trees).unwrap();
        let (_, descriptors) = there.receive().unwrap().unwrap();
        let (_, received) = receive(&there, descriptors, true).unwrap();
        assert!(received.len() == plan.mounts.len() && received.iter().all(Option::is_some));
    }

    #[test]
    fn what_is_cut_short_or_has_too_much_is_no_plan() {
        let whole = encode(&plan());
        let streams = |count: usize| {
            std::iter::repeat_with(|| OwnedFd::from(File::open("/dev/null").unwrap())).take(count)
        };
        assert!(decode(&whole, &mut streams(2)).is_some());
        assert!(decode(&whole, &mut streams(1)).is_none());
        assert!(decode(&whole, &mut streams(3)).is_none());
        for length in 0..whole.len() {
            assert!(decode(&whole[..length], &mut streams(2)).is_none(), "{length}");
        }
        let more = [&whole[..], &[0]].concat();
        assert!(decode(&more, &mut streams(2)).is_none());
    }
}
