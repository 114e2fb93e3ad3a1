//! What is computed from a description once and lives as long as it.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock};

/// Something that is computed from a description once, whoever needs it first. The vocabulary does not know what it is.
///
/// It takes no part in comparisons, and a copy of a description begins without it.
#[derive(Default)]
pub struct Derived(OnceLock<Arc<dyn Any + Send + Sync>>);

impl Derived {
    /// The value, made now unless it was made before. There is room for one type; every other is made each time.
    pub fn get_or_make<T: Any + Send + Sync>(&self, make: impl Fn() -> T) -> Arc<T> {
        let kept = self.0.get_or_init(|| Arc::new(make()));
        Arc::clone(kept).downcast().unwrap_or_else(|_| Arc::new(make()))
    }
}

impl fmt::Debug for Derived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.get().is_some() { "Derived(made)" } else { "Derived" })
    }
}

impl Clone for Derived {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Derived {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Derived {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_made_once() {
        let derived = Derived::default();
        let first = derived.get_or_make(|| 1_u32);
        assert!(Arc::ptr_eq(&first, &derived.get_or_make(|| 2_u32)));
        assert_eq!(*derived.get_or_make(|| "another type"), "another type");
        assert_eq!(*derived.clone().get_or_make(|| 3_u32), 3);
    }
}
