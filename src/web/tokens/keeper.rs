//! Keeps the tokens for every worker of the web server, and ends what came in by those that are valid no longer.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::watch;
use tracing::error;
use utoipa::ToSchema;

use super::token::{Token, now};
use super::{admin, file, secret};
use crate::access::Scope;
use crate::transport::Outgoing;
use crate::types::Cut;

/// Tokens at the same time.
const MOST: usize = 1000;
/// A name is so long at most, in bytes.
const LONGEST_NAME: usize = 100;
/// The name of the token of the state directory.
const ADMIN: &str = "admin.token";

/// Tells tokens apart; none is used twice while the server runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::web) struct TokenId(u64);

#[cfg(test)]
impl TokenId {
    /// The id of no token.
    pub(in crate::web) fn for_tests() -> Self {
        Self(u64::MAX)
    }
}

/// A token, for those who may know which there are.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::web) struct TokenInfo {
    /// What it is called.
    name: String,
    scope: Scope,
    /// Seconds for which it is valid; none when it is until it is revoked.
    seconds_left: Option<u64>,
}

/// Why a token was not made or revoked.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::web) enum Refused {
    #[error("the name of a token has 1 to {LONGEST_NAME} bytes and no control characters")]
    Name,
    #[error("there is a token {0:?} already")]
    Taken(String),
    #[error("there are {MOST} tokens already, and no more may be")]
    Full,
    #[error("there is no token {0:?}")]
    Unknown(String),
    #[error("{0}")]
    Failed(String),
}

/// The tokens that let somebody in. Copies share them.
#[derive(Debug, Clone)]
pub struct Tokens(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    tokens: Mutex<BTreeMap<TokenId, Token>>,
    /// Tells of the newest id, and of every token that is gone.
    changed: watch::Sender<u64>,
    /// Where they are remembered, if they are.
    file: Option<PathBuf>,
    /// Held while the file is written, so that the newest is written last.
    writing: Mutex<()>,
}

impl Tokens {
    /// Reads the tokens of the state directory, and makes the admin token there if there is none. Without `remember` nothing is
    /// saved there. A file that is not understood lets nobody in, and stays as it is.
    #[must_use]
    pub fn open(directory: &Path, remember: bool) -> Self {
        let path = directory.join(file::FILE);
        let read = file::read(&path);
        if let Err(why) = &read {
            error!("{} is not understood, so no token of it is valid: {why}; rename or mend it", path.display());
        }
        let file = (remember && read.is_ok()).then_some(path);
        let mut tokens = read.unwrap_or_default();
        if remember || directory.join(admin::FILE).exists() {
            match admin::hash(directory) {
                Ok(hash) => {
                    let admin = Token { name: ADMIN.to_owned(), scope: Scope::Admin, hash, expires: None };
                    tokens.insert(0, admin);
                }
                Err(why) => error!("nobody can say who may do what: {why}"),
            }
        }
        let count = u64::try_from(tokens.len()).unwrap_or(u64::MAX);
        let tokens = (0..).map(TokenId).zip(tokens).collect();
        let changed = watch::Sender::new(count);
        Self(Arc::new(Shared { tokens: Mutex::new(tokens), changed, file, writing: Mutex::new(()) }))
    }

    fn tokens(&self) -> MutexGuard<'_, BTreeMap<TokenId, Token>> {
        self.0.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The token with this secret, if it is valid.
    pub(in crate::web) fn find(&self, secret: &str) -> Option<(TokenId, Scope)> {
        let hash = secret::hash(secret);
        let tokens = self.tokens();
        let mut valid = tokens.iter().filter(|(_, token)| token.is_valid());
        valid.find(|(_, token)| token.hash == hash).map(|(id, token)| (*id, token.scope))
    }

    /// What a token is called.
    pub(in crate::web) fn name(&self, id: TokenId) -> Option<String> {
        self.tokens().get(&id).map(|token| token.name.clone())
    }

    /// Returns when a token is valid no longer.
    pub(in crate::web) async fn ended(&self, id: TokenId) {
        let mut changed = self.0.changed.subscribe();
        loop {
            let token = self.tokens().get(&id).cloned();
            let Some(token) = token.filter(Token::is_valid) else { return };
            let left = token.expires.map(|expires| Duration::from_secs(expires.saturating_sub(now())));
            let over = async {
                match left {
                    // The clock by which it ends may be set meanwhile, so it is looked at again from time to time.
                    Some(left) => tokio::time::sleep(left.min(Duration::from_secs(60))).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = changed.changed() => {}
                () = over => {}
            }
        }
    }

    /// Cuts a connection as soon as the token by which it came in is valid no longer. Returns when the connection has ended.
    pub(in crate::web) async fn watch(self, id: TokenId, connection: Outgoing) {
        tokio::select! {
            () = connection.closed() => {}
            () = self.ended(id) => connection.cut(Cut::Revoked),
        }
    }

    /// The tokens that there are.
    pub(in crate::web) fn list(&self) -> Vec<TokenInfo> {
        let of = |token: &Token| TokenInfo {
            name: token.name.clone(),
            scope: token.scope,
            seconds_left: token.expires.map(|expires| expires.saturating_sub(now())),
        };
        self.tokens().values().filter(|token| token.is_valid()).map(of).collect()
    }

    /// Makes a token that is valid for this time, or until it is revoked. Returns its secret, which nobody is shown again, and
    /// why it is not remembered, if it should be and is not.
    pub(in crate::web) fn make(
        &self,
        name: &str,
        scope: Scope,
        lasts: Option<Duration>,
    ) -> Result<(String, Result<(), String>), Refused> {
        if name.is_empty() || name.len() > LONGEST_NAME || name.chars().any(char::is_control) {
            return Err(Refused::Name);
        }
        let secret = secret::new().map_err(Refused::Failed)?;
        {
            let mut tokens = self.tokens();
            tokens.retain(|_, token| token.is_valid());
            if tokens.values().any(|token| token.name == name) {
                return Err(Refused::Taken(name.to_owned()));
            }
            if tokens.len() >= MOST {
                return Err(Refused::Full);
            }
            let expires = lasts.map(|lasts| now().saturating_add(lasts.as_secs()));
            let token = Token { name: name.to_owned(), scope, hash: secret::hash(&secret), expires };
            let mut id = 0;
            self.0.changed.send_modify(|next| id = std::mem::replace(next, next.saturating_add(1)));
            tokens.insert(TokenId(id), token);
        }
        Ok((secret, self.keep()))
    }

    /// Ends the token of this name, and everything that came in by it. Returns why that is not remembered, if it should be and is
    /// not.
    pub(in crate::web) fn revoke(&self, name: &str) -> Result<Result<(), String>, Refused> {
        let mut tokens = self.tokens();
        if name == ADMIN {
            let why =
                format!("the admin token is a file: delete {ADMIN} in the state directory and start the server again");
            return Err(Refused::Failed(why));
        }
        let before = tokens.len();
        tokens.retain(|_, token| token.name != name);
        if tokens.len() == before {
            return Err(Refused::Unknown(name.to_owned()));
        }
        drop(tokens);
        self.0.changed.send_modify(|_| {});
        Ok(self.keep())
    }

    fn keep(&self) -> Result<(), String> {
        let Some(path) = &self.0.file else {
            return Err(
                "tokens are not remembered: `state.remember` is off, or tokens.json is not understood".to_owned()
            );
        };
        let _writing = self.0.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let tokens = self.tokens().values().filter(|token| token.name != ADMIN).cloned().collect();
        file::write(path, tokens).map_err(|why| format!("{} cannot be written: {why}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_lets_in_until_it_is_revoked_and_outlives_the_server() {
        let dir = tempfile::tempdir().unwrap();
        let tokens = Tokens::open(dir.path(), true);
        let (secret, kept) = tokens.make("phone", Scope::Drive, None).unwrap();
        assert_eq!((kept, secret.len()), (Ok(()), 40));
        let (id, scope) = tokens.find(&secret).unwrap();
        assert_eq!(scope, Scope::Drive);
        let text = std::fs::read_to_string(dir.path().join(file::FILE)).unwrap();
        assert!(!text.contains(&secret) && text.contains("phone") && !text.contains(ADMIN), "{text}");
        assert_eq!(Tokens::open(dir.path(), true).find(&secret).map(|(_, scope)| scope), Some(Scope::Drive));
        for wrong in ["", "x", secret.get(1..).unwrap(), &secret.to_uppercase(), &secret::hash(&secret)] {
            assert_eq!(tokens.find(wrong), None, "{wrong}");
        }
        assert_eq!(tokens.make("phone", Scope::Watch, None).unwrap_err(), Refused::Taken("phone".to_owned()));
        assert_eq!(tokens.make("a\nb", Scope::Watch, None).unwrap_err(), Refused::Name);
        assert_eq!(tokens.make("", Scope::Watch, None).unwrap_err(), Refused::Name);
        assert_eq!(tokens.revoke("phone"), Ok(Ok(())));
        assert_eq!((tokens.find(&secret), tokens.revoke("phone")), (None, Err(Refused::Unknown("phone".to_owned()))));
        assert_eq!(Tokens::open(dir.path(), true).find(&secret), None);
        // Who waited for its end hears of it though it is gone.
        assert!(futures_util::FutureExt::now_or_never(tokens.ended(id)).is_some());
    }

    #[test]
    fn the_admin_token_lets_in_and_is_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let tokens = Tokens::open(dir.path(), true);
        let secret = std::fs::read_to_string(dir.path().join(admin::FILE)).unwrap();
        assert_eq!(tokens.find(secret.trim()).map(|(_, scope)| scope), Some(Scope::Admin));
        assert!(matches!(tokens.revoke(ADMIN), Err(Refused::Failed(_))));
        assert_eq!(tokens.make(ADMIN, Scope::Watch, None).unwrap_err(), Refused::Taken(ADMIN.to_owned()));
    }

    #[test]
    fn a_time_ends_and_a_file_that_is_not_understood_lets_nobody_in() {
        let dir = tempfile::tempdir().unwrap();
        let tokens = Tokens::open(dir.path(), true);
        let (secret, _) = tokens.make("short", Scope::Watch, Some(Duration::ZERO)).unwrap();
        assert_eq!((tokens.find(&secret), tokens.list().len()), (None, 1));
        let (secret, _) = tokens.make("long", Scope::Watch, Some(Duration::from_secs(60))).unwrap();
        assert!(tokens.find(&secret).is_some());
        std::fs::write(dir.path().join(file::FILE), "{").unwrap();
        let broken = Tokens::open(dir.path(), true);
        assert_eq!(broken.find(&secret), None);
        let (_, kept) = broken.make("new", Scope::Watch, None).unwrap();
        assert!(kept.is_err());
        assert_eq!(std::fs::read_to_string(dir.path().join(file::FILE)).unwrap(), "{");
    }

    #[test]
    fn without_a_state_nothing_is_made() {
        let dir = tempfile::tempdir().unwrap();
        let tokens = Tokens::open(dir.path(), false);
        assert!(tokens.list().is_empty() && !dir.path().join(admin::FILE).exists());
        let (secret, kept) = tokens.make("now", Scope::Watch, None).unwrap();
        assert!(kept.is_err() && tokens.find(&secret).is_some());
    }
}
