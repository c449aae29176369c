//! Which addresses of the internet protocol are public.
//!
//! After the special-purpose registries of IANA. For IPv6 the rule is turned
//! round: only what is delegated as global unicast is public.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why an address is not public.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Special {
    Loopback,
    Private,
    LinkLocal,
    Shared,
    Unspecified,
    Multicast,
    Reserved,
}

impl fmt::Display for Special {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Loopback => "loopback",
            Self::Private => "private",
            Self::LinkLocal => "link-local",
            Self::Shared => "carrier-internal",
            Self::Unspecified => "unspecified",
            Self::Multicast => "multicast",
            Self::Reserved => "reserved",
        })
    }
}

/// Returns why `address` is not public; nothing when it is.
pub(crate) fn special(address: IpAddr) -> Option<Special> {
    match address {
        IpAddr::V4(address) => special_v4(address),
        IpAddr::V6(address) => special_v6(address),
    }
}

fn special_v4(address: Ipv4Addr) -> Option<Special> {
    Some(match address.octets() {
        [0, ..] => Special::Unspecified,
        [127, ..] => Special::Loopback,
        [10, ..] | [192, 168, ..] | [172, 16..=31, ..] => Special::Private,
        [169, 254, ..] => Special::LinkLocal,
        [100, 64..=127, ..] => Special::Shared,
        [224..=239, ..] => Special::Multicast,
        // Protocol assignments, documentation, old relays, benchmarks, the rest with broadcast.
        [192, 0, 0 | 2, _]
        | [198, 51, 100, _]
        | [203, 0, 113, _]
        | [192, 88, 99, _]
        | [198, 18..=19, ..]
        | [240..=255, ..] => Special::Reserved,
        _ => return None,
    })
}

fn special_v6(address: Ipv6Addr) -> Option<Special> {
    if let Some(inner) = embedded_v4(address) {
        return special_v4(inner);
    }
    if address.is_loopback() {
        return Some(Special::Loopback);
    }
    if address.is_unspecified() {
        return Some(Special::Unspecified);
    }
    Some(match address.segments() {
        [0xfc00..=0xfdff, ..] => Special::Private,
        [0xfe80..=0xfebf, ..] => Special::LinkLocal,
        [0xff00..=0xffff, ..] => Special::Multicast,
        // Protocol assignments with Teredo and benchmarks, and both documentation ranges.
        [0x2001, 0..=0x01ff | 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => Special::Reserved,
        [0x2000..=0x3fff, ..] => return None,
        _ => Special::Reserved,
    })
}

/// Returns the IPv4 address that an IPv6 address stands for: mapped, compatible,
/// translated (NAT64) or tunnelled (6to4).
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let join = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match address.segments() {
        // `::` and `::1` are addresses in their own right.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => Some(join(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(text: &str) -> Option<Special> {
        special(text.parse().unwrap())
    }

    #[test]
    fn public_addresses_are_let_through() {
        for text in [
            "8.8.8.8",
            "1.1.1.1",
            "172.15.0.1",
            "172.32.0.1",
            "100.63.0.1",
            "100.128.0.1",
            "169.253.0.1",
            "192.0.1.1",
            "198.17.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "2606:4700:4700::1111",
            "2a00::1",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2002:808:808::1",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }

    #[test]
    fn special_addresses_are_told_by_kind() {
        for (text, kind) in [
            ("127.0.0.1", Special::Loopback),
            ("127.255.255.255", Special::Loopback),
            ("::1", Special::Loopback),
            ("::ffff:127.0.0.1", Special::Loopback),
            ("::127.0.0.1", Special::Loopback),
            ("64:ff9b::7f00:1", Special::Loopback),
            ("2002:7f00:1::", Special::Loopback),
            ("10.0.0.1", Special::Private),
            ("172.16.0.1", Special::Private),
            ("172.31.255.255", Special::Private),
            ("192.168.1.1", Special::Private),
            ("fd00::1", Special::Private),
            ("fc00::1", Special::Private),
            ("169.254.169.254", Special::LinkLocal),
            ("::ffff:169.254.169.254", Special::LinkLocal),
            ("fe80::1", Special::LinkLocal),
            ("febf::1", Special::LinkLocal),
            ("100.64.0.1", Special::Shared),
            ("100.127.255.255", Special::Shared),
            ("0.0.0.0", Special::Unspecified),
            ("0.1.2.3", Special::Unspecified),
            ("::", Special::Unspecified),
            ("224.0.0.1", Special::Multicast),
            ("ff02::1", Special::Multicast),
            ("255.255.255.255", Special::Reserved),
            ("240.0.0.1", Special::Reserved),
            ("192.0.0.1", Special::Reserved),
            ("192.0.2.1", Special::Reserved),
            ("198.51.100.1", Special::Reserved),
            ("203.0.113.1", Special::Reserved),
            ("198.18.0.1", Special::Reserved),
            ("198.19.255.255", Special::Reserved),
            ("192.88.99.1", Special::Reserved),
            ("2001:db8::1", Special::Reserved),
            ("2001::1", Special::Reserved),
            ("3fff::1", Special::Reserved),
            ("fec0::1", Special::Reserved),
            ("100::1", Special::Reserved),
            ("64:ff9b:1::1", Special::Reserved),
        ] {
            assert_eq!(of(text), Some(kind), "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_address_is_judged_alike_in_all_its_forms(octets in any::<[u8; 4]>()) {
            let v4 = Ipv4Addr::from(octets);
            prop_assert_eq!(special(IpAddr::V4(v4)), special(IpAddr::V6(v4.to_ipv6_mapped())));
        }

        #[test]
        fn what_the_standard_library_calls_private_is_never_public(octets in any::<[u8; 4]>()) {
            let v4 = Ipv4Addr::from(octets);
            if v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_multicast()
                || v4.is_broadcast() || v4.is_documentation() || v4.is_unspecified() {
                prop_assert!(special(IpAddr::V4(v4)).is_some());
            }
        }
    }
}
