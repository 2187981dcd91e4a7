//! LiteLLM's proxy, the peer that stands before a provider.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use tokio::{process::Command, time::sleep};

/// How long it may take until it listens.
const PATIENCE: Duration = Duration::from_secs(300);

/// A running proxy, ended when this is dropped.
pub(crate) struct Litellm {
    _child: tokio::process::Child,
    /// Where it listens.
    pub(crate) address: String,
}

impl Litellm {
    /// `program` before the provider at `server`; what it keeps is in `folder`.
    pub(crate) async fn start(program: &str, server: &str, folder: &Path) -> Self {
        let config = folder.join("litellm.yaml");
        // JSON is YAML.
        let model = serde_json::json!({"model_list": [{"model_name": "claude-x", "litellm_params": {
            "model": "anthropic/claude-x", "api_base": format!("http://{server}"), "api_key": crate::KEY,
        }}]});
        fs::write(&config, model.to_string()).unwrap();
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let child = Command::new(program)
            .args(["--host", "127.0.0.1", "--port", &port.to_string(), "--config"])
            .arg(config)
            // Otherwise it asks the network for prices before it listens.
            .env("LITELLM_LOCAL_MODEL_COST_MAP", "True")
            .env("LITELLM_LOG", "ERROR")
            // It refuses to start without a key of its own, which the calls would have to bring.
            .env("LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY", "true")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let began = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(began.elapsed() < PATIENCE, "{program} does not listen");
            sleep(Duration::from_millis(100)).await;
        }
        Self { _child: child, address: format!("127.0.0.1:{port}") }
    }
}
