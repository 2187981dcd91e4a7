//! The controls of ISO/IEC 27001:2022, Annex A, that Palisade does something for, summarised by us.

use super::{Control, Topic};

pub(super) const OUTSIDE: &str = "The management system (clauses 4 to 10), controls about people (A.6), physical controls (A.7), supplier contracts, \
     continuity, secure development as a process, backup, and cryptography as a policy are not about what an agent does on a machine. This \
     journal holds no evidence for them.";

pub(super) const CONTROLS: &[Control] = &[
    Control {
        id: "A.5.15",
        title: "Access control",
        summary: "Rules for access to information follow from what the business and security need, and are in force.",
        topics: &[Topic::Files, Topic::Network, Topic::Tools, Topic::Configuration],
        not_evidenced: "The organisation's own rules, and whether the policy in force says the same.",
    },
    Control {
        id: "A.5.17",
        title: "Authentication information",
        summary: "Secrets that authenticate are given out and handled in a controlled way.",
        topics: &[Topic::Credentials],
        not_evidenced: "Where secrets are kept outside, their strength and their rotation at the service.",
    },
    Control {
        id: "A.5.18",
        title: "Access rights",
        summary: "Rights are given, reviewed, changed and taken back by a rule.",
        topics: &[Topic::People, Topic::Configuration],
        not_evidenced: "Periodic review of rights, and rights of human users.",
    },
    Control {
        id: "A.5.23",
        title: "Use of cloud services",
        summary: "Cloud services are chosen, used and left in a controlled way.",
        topics: &[Topic::Models, Topic::Network],
        not_evidenced: "Choice and contracts of providers. Which of them were reached, and refused, is recorded.",
    },
    Control {
        id: "A.5.28",
        title: "Collection of evidence",
        summary: "Evidence of security events can be identified, collected and preserved.",
        topics: &[Topic::Journal],
        not_evidenced: "The chain of custody after the evidence has left this machine.",
    },
    Control {
        id: "A.5.33",
        title: "Protection of records",
        summary: "Records are protected against loss, destruction and falsification.",
        topics: &[Topic::Journal],
        not_evidenced: "Backups, and a rewrite of the whole folder by its owner, unless checkpoints of it were kept elsewhere.",
    },
    Control {
        id: "A.8.2",
        title: "Privileged access",
        summary: "Privileges are restricted and managed.",
        topics: &[Topic::Sandbox, Topic::Processes],
        not_evidenced: "Privileges of people and programs outside sandboxes.",
    },
    Control {
        id: "A.8.3",
        title: "Restriction of access to information",
        summary: "Access to information and functions is restricted as the rules say.",
        topics: &[Topic::Files, Topic::Network, Topic::Tools],
        not_evidenced: "Reads that the policy permits are not recorded one by one.",
    },
    Control {
        id: "A.8.4",
        title: "Access to source code",
        summary: "Reading and changing of source code and tools is managed.",
        topics: &[Topic::Files, Topic::People],
        not_evidenced: "Permissions in the repository's own server.",
    },
    Control {
        id: "A.8.6",
        title: "Capacity",
        summary: "Use of resources is watched and bounded.",
        topics: &[Topic::Limits],
        not_evidenced: "Planning of capacity for the machine as a whole.",
    },
    Control {
        id: "A.8.7",
        title: "Malware",
        summary: "There is protection against malware.",
        topics: &[Topic::Sandbox, Topic::Processes],
        not_evidenced: "Recognition of malware. What runs inside is confined, whatever it is.",
    },
    Control {
        id: "A.8.9",
        title: "Configuration",
        summary: "Configurations are set, documented, enforced and watched.",
        topics: &[Topic::Configuration],
        not_evidenced: "Configuration of the machine, of its services and of its network.",
    },
    Control {
        id: "A.8.12",
        title: "Leakage of data",
        summary: "Measures against leakage are applied where sensitive information is processed.",
        topics: &[Topic::Network, Topic::Content, Topic::Credentials, Topic::Alarms],
        not_evidenced: "Leakage inside what is permitted: an agent can say in words of its own what it read.",
    },
    Control {
        id: "A.8.15",
        title: "Logging",
        summary: "Activities, exceptions and faults are logged, and logs are protected and analysed.",
        topics: &[Topic::Journal, Topic::Network, Topic::Tools],
        not_evidenced: "Logs of other systems, and how long these records were kept before this report.",
    },
    Control {
        id: "A.8.16",
        title: "Monitoring",
        summary: "Networks, systems and applications are watched for anomalies, and incidents are judged.",
        topics: &[Topic::Alarms, Topic::Network, Topic::Processes],
        not_evidenced: "That somebody acted on what was found.",
    },
    Control {
        id: "A.8.17",
        title: "Clocks",
        summary: "Clocks of systems agree with an approved source.",
        topics: &[Topic::Journal],
        not_evidenced: "Agreement of the clock with any source. Records have the wall clock and a clock that never steps, so a step shows.",
    },
    Control {
        id: "A.8.18",
        title: "Privileged utility programs",
        summary: "Programs that could override controls are restricted.",
        topics: &[Topic::Processes, Topic::Tools],
        not_evidenced: "Such programs outside sandboxes.",
    },
    Control {
        id: "A.8.20",
        title: "Security of networks",
        summary: "Networks and their devices are secured and controlled.",
        topics: &[Topic::Network],
        not_evidenced: "Devices of the network. Only the sandbox's own way out is controlled here.",
    },
    Control {
        id: "A.8.22",
        title: "Segregation of networks",
        summary: "Groups of services, users and systems are separated in networks.",
        topics: &[Topic::Network, Topic::Sandbox],
        not_evidenced: "Segregation between machines.",
    },
    Control {
        id: "A.8.23",
        title: "Filtering of the web",
        summary: "Access to outside web sites is managed, to reduce exposure to malicious content.",
        topics: &[Topic::Network, Topic::Content],
        not_evidenced: "The reputation of the sites that rules permit.",
    },
    Control {
        id: "A.8.31",
        title: "Separation of environments",
        summary: "Development, test and production are separate.",
        topics: &[Topic::Sandbox, Topic::Network, Topic::Files],
        not_evidenced: "Which environment a machine or a host name belongs to.",
    },
    Control {
        id: "A.8.32",
        title: "Changes",
        summary: "Changes follow a procedure.",
        topics: &[Topic::Configuration, Topic::Files, Topic::People],
        not_evidenced: "The procedure, and tests before a change.",
    },
];
