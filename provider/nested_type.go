package provider

import (
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// typeOf tells the type of a nested attribute, or of its elements where it is a list or a map of such, so that the
// schema alone says what there is. It is found out once: an object of a large plan needs it several times.
func typeOf(nested func() schema.Attribute) func() types.ObjectType {
	return sync.OnceValue(func() types.ObjectType {
		of := nested().GetType()
		if all, ok := of.(attr.TypeWithElementType); ok {
			of = all.ElementType()
		}
		return of.(types.ObjectType)
	})
}

// typeWith tells the type of an object with these attributes. An attribute whose default is such an object cannot
// tell its own.
func typeWith(attributes func() map[string]schema.Attribute) func() types.ObjectType {
	return sync.OnceValue(func() types.ObjectType {
		return schema.SingleNestedAttribute{Attributes: attributes()}.GetType().(types.ObjectType)
	})
}
