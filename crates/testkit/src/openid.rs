//! An issuer of tokens: a small OpenID Connect server with discovery and keys, whose keys change and whose server fails when a
//! test says so.

mod key;

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response, StatusCode, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

pub use jsonwebtoken::Algorithm;
pub use key::SigningKey;

/// For whom its tokens are, unless a test says otherwise.
pub const AUDIENCE: &str = "narthex-tests";

/// A running server; it ends when this is dropped.
#[derive(Debug)]
pub struct OpenId {
    address: SocketAddr,
    state: Arc<State>,
    _stop_on_drop: DropGuard,
}

#[derive(Debug)]
struct State {
    issuer: String,
    keys: Mutex<Vec<Arc<SigningKey>>>,
    /// Instead of an answer.
    failure: Mutex<Option<(StatusCode, String)>>,
    /// How often the keys were asked for.
    asked: AtomicU64,
}

impl OpenId {
    /// Starts a server with one key, for ES256.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        Self::start_on(listener)
    }

    /// Starts a server on `listener`.
    ///
    /// # Panics
    /// When the listener has no address.
    pub fn start_on(listener: TcpListener) -> Self {
        let address = listener.local_addr().expect("the port's address");
        let key = Arc::new(SigningKey::generate("key-0", Algorithm::ES256));
        let state = Arc::new(State {
            issuer: format!("http://{address}"),
            keys: Mutex::new(vec![key]),
            failure: Mutex::default(),
            asked: AtomicU64::new(0),
        });
        let stop = CancellationToken::new();
        TaskTracker::new().spawn(stop.clone().run_until_cancelled_owned(serve(listener, Arc::clone(&state))));
        Self { address, state, _stop_on_drop: stop.drop_guard() }
    }

    /// What its tokens say in `iss`.
    pub fn issuer(&self) -> &str {
        &self.state.issuer
    }

    /// Where its keys are.
    pub fn jwks_url(&self) -> String {
        format!("http://{}/jwks", self.address)
    }

    /// The key that signs now.
    ///
    /// # Panics
    /// When there is none.
    pub fn key(&self) -> Arc<SigningKey> {
        Arc::clone(self.state.keys.lock().last().expect("a key"))
    }

    /// Publishes another key, which signs from now on. The older ones stay.
    pub fn add(&self, key: SigningKey) -> Arc<SigningKey> {
        let key = Arc::new(key);
        self.state.keys.lock().push(Arc::clone(&key));
        key
    }

    /// Publishes another key, and none of the older ones any more.
    pub fn replace(&self, key: SigningKey) -> Arc<SigningKey> {
        self.state.keys.lock().clear();
        self.add(key)
    }

    /// Answers with this from now on; with `None`, as it should.
    pub fn fail(&self, failure: Option<(StatusCode, &str)>) {
        *self.state.failure.lock() = failure.map(|(status, body)| (status, body.to_owned()));
    }

    /// How often its keys were asked for.
    pub fn asked(&self) -> u64 {
        self.state.asked.load(Ordering::SeqCst)
    }

    /// A token of this user, good for an hour, with these claims added or replaced.
    pub fn token(&self, user: &str, more: Value) -> String {
        self.key().sign(&self.claims(user, more))
    }

    /// The claims of such a token. One that is null is left out.
    pub fn claims(&self, user: &str, more: Value) -> Value {
        let mut claims = json!({"iss": self.issuer(), "aud": AUDIENCE, "sub": user, "exp": now() + 3600});
        if let (Value::Object(claims), Value::Object(more)) = (&mut claims, more) {
            claims.extend(more);
            claims.retain(|_, value| !value.is_null());
        }
        claims
    }
}

/// Seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs()
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    let connections = TaskTracker::new();
    while let Ok((stream, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        let service =
            service_fn(move |request| std::future::ready(Ok::<_, Infallible>(state.answer(&request))));
        connections.spawn(async move {
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

impl State {
    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let (status, body) = match (self.failure.lock().clone(), request.uri().path()) {
            (Some(failure), _) => failure,
            (None, "/.well-known/openid-configuration") => {
                let jwks = format!("{}/jwks", self.issuer);
                (StatusCode::OK, json!({"issuer": self.issuer, "jwks_uri": jwks}).to_string())
            }
            (None, "/jwks") => {
                self.asked.fetch_add(1, Ordering::SeqCst);
                let keys: Vec<Value> = self.keys.lock().iter().map(|key| key.public()).collect();
                (StatusCode::OK, json!({"keys": keys}).to_string())
            }
            (None, _) => (StatusCode::NOT_FOUND, String::new()),
        };
        let mut response = Response::new(Full::from(body));
        *response.status_mut() = status;
        response
    }
}
