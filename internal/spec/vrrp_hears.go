package spec

import "slices"

// Hears reports whether a director with this instance takes the adverts of another one with that, and they
// are on the same network. Two that do not hear one another are both active. Of passwords it knows
// auth_pass_version alone: they are never answered.
func (v *VRRPInstance) Hears(o *VRRPInstance) bool {
	switch {
	case v.VirtualRouterID != o.VirtualRouterID, v.Family() != o.Family(), v.Version != o.Version:
		return false
	case v.Version == VRRPv2 && (v.AdvertisementInterval != o.AdvertisementInterval || v.AuthPassVersion != o.AuthPassVersion):
		return false
	case v.Unicasts() != o.Unicasts():
		return false
	case v.Unicasts():
		return slices.Contains(v.UnicastPeers, o.UnicastSource) && slices.Contains(o.UnicastPeers, v.UnicastSource) &&
			o.UnicastTTL >= v.MinimumTTL()
	}
	return true
}
