//! The articles of Regulation (EU) 2024/1689 that Palisade does something for, summarised by us.

use super::{Control, Topic};

pub(super) const OUTSIDE: &str = "Whether a system is of high risk, prohibited practices (Article 5), data governance (10), technical documentation (11), \
     conformity assessment, registration, the rights of those affected and the duties of providers of general-purpose models are not about what an \
     agent does on a machine. This journal holds no evidence for them. Whether the Regulation applies at all is for you and your counsel to say.";

pub(super) const CONTROLS: &[Control] = &[
    Control {
        id: "Art-9",
        title: "Risk management",
        summary: "Known and foreseeable risks are identified, and measures against them are taken and kept up over the whole life.",
        topics: &[Topic::Sandbox, Topic::Network, Topic::Configuration],
        not_evidenced: "The risk management itself: which risks were identified, and why these measures suffice.",
    },
    Control {
        id: "Art-12",
        title: "Keeping of records",
        summary: "Events are recorded automatically over the life of the system, so that situations of risk can be found and its working be watched.",
        topics: &[Topic::Journal, Topic::Models, Topic::Tools, Topic::Network],
        not_evidenced: "What the system did where it was not run under Palisade.",
    },
    Control {
        id: "Art-13",
        title: "Transparency towards deployers",
        summary: "Those who use the system can understand what it puts out and use it properly, and are told how logs are collected and read.",
        topics: &[Topic::Journal, Topic::Configuration],
        not_evidenced: "Instructions for use of the system. How these records are read is documented with Palisade.",
    },
    Control {
        id: "Art-14",
        title: "Human oversight",
        summary: "Persons can oversee the system while it is used: understand it, decide against its output, intervene, and stop it.",
        topics: &[Topic::People, Topic::Tools, Topic::Alarms],
        not_evidenced: "That those persons are competent and had the time to judge. Which question was answered how, and by which user of the system, is recorded.",
    },
    Control {
        id: "Art-15",
        title: "Accuracy, robustness and cybersecurity",
        summary: "The system withstands errors and attempts of others to change its use or behaviour, by poisoned input among others.",
        topics: &[
            Topic::Sandbox,
            Topic::Content,
            Topic::Network,
            Topic::Credentials,
            Topic::Limits,
        ],
        not_evidenced: "Accuracy of the model, and poisoning of its training.",
    },
    Control {
        id: "Art-19",
        title: "Logs are kept by providers",
        summary: "Logs that are generated automatically are kept for a time that fits their purpose, at least six months.",
        topics: &[Topic::Journal],
        not_evidenced: "How long records were kept in the past. The earliest record of the period is named above.",
    },
    Control {
        id: "Art-26",
        title: "Duties of deployers",
        summary: "Deployers use the system as instructed, assign oversight to competent persons, watch its operation and keep its logs for at least six months.",
        topics: &[Topic::Configuration, Topic::People, Topic::Alarms, Topic::Journal],
        not_evidenced: "Instructions of the provider, competence of persons, and information of workers and of those affected.",
    },
    Control {
        id: "Art-72",
        title: "Monitoring after placing on the market",
        summary: "Data on how the system performs over its life is collected and analysed.",
        topics: &[Topic::Models, Topic::Limits, Topic::Journal],
        not_evidenced: "The provider's plan for it, and any analysis.",
    },
    Control {
        id: "Art-73",
        title: "Reports of serious incidents",
        summary: "Serious incidents are reported to the authorities in time.",
        topics: &[Topic::Alarms],
        not_evidenced: "Whether an event was a serious incident, and whether it was reported.",
    },
];
