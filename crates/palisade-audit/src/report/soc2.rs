//! The trust services criteria that Palisade does something for, summarised by us.

use super::{Control, Topic};

pub(super) const OUTSIDE: &str = "The control environment (CC1), communication (CC2), risk assessment (CC3), the monitoring of \
     controls (CC4), control activities (CC5), physical access (CC6.4, CC6.5), recovery from incidents (CC7.5), risk mitigation \
     (CC9.1) and the categories of processing integrity and privacy are not about what an agent does on a machine. This journal \
     holds no evidence for them.";

pub(super) const CONTROLS: &[Control] = &[
    Control {
        id: "CC6.1",
        title: "Logical access to information is restricted",
        summary: "Software and infrastructure restrict who and what reaches information assets, and secrets that open them are protected.",
        topics: &[Topic::Sandbox, Topic::Files, Topic::Network, Topic::Credentials],
        not_evidenced: "How people log in to the machine, who may change policies in files, and encryption of disks.",
    },
    Control {
        id: "CC6.2",
        title: "Access is granted to those who are authorised",
        summary: "Before something gets access somebody with the authority agrees, and access that is not wanted any more is taken back.",
        topics: &[Topic::People, Topic::Configuration],
        not_evidenced: "Registration and removal of human users. The journal names an operator by the number of the system's user only.",
    },
    Control {
        id: "CC6.3",
        title: "Least privilege and separation of duties",
        summary: "Access follows roles and need, is changed in a controlled way, and duties that conflict are kept apart.",
        topics: &[
            Topic::Files,
            Topic::Network,
            Topic::Tools,
            Topic::Processes,
            Topic::Configuration,
        ],
        not_evidenced: "Whether the policy asks for no more than the work needs, and whether who writes a policy is another person than who uses it.",
    },
    Control {
        id: "CC6.6",
        title: "Protection at the boundary",
        summary: "Access from and to places outside the system's boundary is restricted and watched.",
        topics: &[Topic::Network, Topic::Models],
        not_evidenced: "The firewall and the network of the machine itself. What runs outside the sandbox passes none of this.",
    },
    Control {
        id: "CC6.7",
        title: "Transmission and removal of information",
        summary: "Information leaves only to authorised places and recipients, and is protected on its way.",
        topics: &[Topic::Network, Topic::Credentials, Topic::Content],
        not_evidenced: "The content of connections that the policy passes through without looking in, and removable media.",
    },
    Control {
        id: "CC6.8",
        title: "Unauthorised and malicious software",
        summary: "Software that nobody authorised is kept from running or is detected.",
        topics: &[Topic::Processes, Topic::Sandbox, Topic::Alarms],
        not_evidenced: "Malware scanning. A program inside may be hostile; it is confined, and not recognised.",
    },
    Control {
        id: "CC7.1",
        title: "Changes of configuration are detected",
        summary: "Configurations and their changes are monitored, so that new weaknesses are found.",
        topics: &[Topic::Configuration, Topic::Journal],
        not_evidenced: "Scans for vulnerabilities, and the configuration of anything but Palisade's own policies.",
    },
    Control {
        id: "CC7.2",
        title: "Anomalies are monitored",
        summary: "The system is watched for behaviour that could be an attack or a failure.",
        topics: &[Topic::Alarms, Topic::Network, Topic::Processes, Topic::Content, Topic::Journal],
        not_evidenced: "That a person read the alarms, and anything that happens outside a sandbox.",
    },
    Control {
        id: "CC7.3",
        title: "Events are evaluated",
        summary: "Security events are judged, to find those that are incidents.",
        topics: &[Topic::Alarms, Topic::People],
        not_evidenced: "The judgement itself: which event was found to be an incident, and by whom.",
    },
    Control {
        id: "CC7.4",
        title: "Incidents are responded to",
        summary: "Incidents are contained, ended and told to those concerned.",
        topics: &[Topic::Alarms, Topic::Limits, Topic::People],
        not_evidenced: "The plan for incidents, its exercise, and communication with those affected. Freezing and ending a sandbox is recorded.",
    },
    Control {
        id: "CC8.1",
        title: "Changes are managed",
        summary: "Changes of software, data and configuration are authorised, documented, tested and approved.",
        topics: &[Topic::Configuration, Topic::Files, Topic::People],
        not_evidenced: "Review and test of the code that an agent wrote. That a person took changes out of an overlay is recorded.",
    },
    Control {
        id: "CC9.2",
        title: "Risks of vendors are managed",
        summary: "What vendors and partners can do and see is assessed and managed.",
        topics: &[Topic::Models, Topic::Network, Topic::Content],
        not_evidenced: "The assessment of model providers and their contracts. Which provider answered is recorded.",
    },
    Control {
        id: "A1.1",
        title: "Capacity is managed",
        summary: "Use of capacity is measured and bounded, so that the system stays available.",
        topics: &[Topic::Limits],
        not_evidenced: "The capacity of the machine, forecasts, and availability of model providers.",
    },
    Control {
        id: "C1.1",
        title: "Confidential information is protected",
        summary: "Confidential information is identified and protected against those who should not have it.",
        topics: &[Topic::Files, Topic::Credentials, Topic::Content, Topic::Network],
        not_evidenced: "Classification of information. Only what the policy names, and secrets of known forms, are treated as confidential.",
    },
    Control {
        id: "C1.2",
        title: "Confidential information is disposed of",
        summary: "What is confidential is destroyed when it is not needed any more.",
        topics: &[Topic::Sandbox],
        not_evidenced: "Disposal on the host. Private folders of a sandbox lie in memory and end with it, which the record of its end shows indirectly.",
    },
];
