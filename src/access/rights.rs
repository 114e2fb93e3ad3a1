//! Who may do what.

use serde::{Deserialize, Serialize};

/// What a request does, as far as it decides who may send it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// Learn what is there and what it does.
    Watch,
    /// Set outputs, have hardware looked for.
    Drive,
    /// Stop without a hold.
    Stop,
    /// Stop, and refuse outputs until somebody resumes.
    Hold,
    /// Take outputs again.
    Resume,
    /// Say which web pages may connect, have others go.
    Answer,
    /// Play hardware.
    PlayHardware,
    /// Say who may do what.
    Administer,
}

/// What a token is good for. Each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub enum Scope {
    /// To watch and to stop.
    Watch,
    /// To drive, to hold, and to play hardware.
    Drive,
    /// Everything.
    Admin,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Scope; 3] = [Self::Watch, Self::Drive, Self::Admin];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Watch => "watch",
            Self::Drive => "drive",
            Self::Admin => "admin",
        }
    }

    /// The scope of that name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }

    /// Whether a token of this scope is enough.
    #[must_use]
    pub fn grants(self, right: Right) -> bool {
        let least = match right {
            Right::Watch | Right::Stop => Self::Watch,
            Right::Drive | Right::Hold | Right::PlayHardware => Self::Drive,
            Right::Resume | Right::Answer | Right::Administer => Self::Admin,
        };
        self >= least
    }
}

/// What a program of this computer, and the server's own page, may do without a token: everything but say who else may.
#[must_use]
pub fn is_granted_here(right: Right) -> bool {
    right != Right::Administer
}

/// Whether programs of this computer need a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LocalAccess {
    /// They need none.
    Open,
    /// They need one, as those from elsewhere do.
    Token,
}

impl LocalAccess {
    /// The value of a word of `access.local`.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        match word {
            "open" => Some(Self::Open),
            "token" => Some(Self::Token),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scope_grants_what_it_says() {
        use Right::{Administer, Answer, Drive, Hold, PlayHardware, Resume, Stop, Watch};
        for (scope, granted) in [
            (Scope::Watch, &[Watch, Stop][..]),
            (Scope::Drive, &[Watch, Stop, Drive, Hold, PlayHardware]),
            (Scope::Admin, &[Watch, Stop, Drive, Hold, Resume, Answer, PlayHardware, Administer]),
        ] {
            for right in [Watch, Stop, Drive, Hold, Resume, Answer, PlayHardware, Administer] {
                assert_eq!(scope.grants(right), granted.contains(&right), "{scope:?} {right:?}");
                assert_eq!(is_granted_here(right), right != Administer);
            }
            assert_eq!(Scope::of(scope.name()), Some(scope));
        }
        assert_eq!(Scope::of("Admin"), None);
    }
}
