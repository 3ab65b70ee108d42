export interface Product {
  sku: string;
  price: number;
  stock: number;
}
export interface Order {
  id: string;
  sku: string;
  quantity: number;
}
export interface Taken {
  price: number;
  left: number;
}
